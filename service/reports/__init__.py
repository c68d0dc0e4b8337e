"""Figures for people who decide."""
