"""Synthetic images: programs that draw labeled facades and garments as plain arrays."""
