"""Text to tags: cleaning, clauses, words, features, scores, decisions. Knows no web and no tables."""
