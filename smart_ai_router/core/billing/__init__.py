"""The second guide's back end: what its billing pages ask and are answered. One module for each subject."""
