"""From pooled grams to issued credits."""
