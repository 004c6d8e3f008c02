"""What a network is used for: photos that are no part of any dataset."""
