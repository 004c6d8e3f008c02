"""An exported model -> a folder of static files that predicts photos in a browser."""
