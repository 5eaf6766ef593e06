"""`/api/admin/billing/*`: the second guide's interface. One module for each page."""
