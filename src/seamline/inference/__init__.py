"""A trained model or an exported file -> predictions; nothing is trained here."""
