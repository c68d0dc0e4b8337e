"""The batch run: years of answers tagged in one go, in chunks that survive whatever stops it."""
