"""Closing the loop: customers whose deal has closed are asked, and their answers are seen to."""
