"""Prints the versions of all tools as JSON."""

import json
from importlib.metadata import version

TOOLS = ("torch", "torchvision", "lightning", "fastai", "keras", "tensorflow-cpu")

if __name__ == "__main__":
    print(json.dumps({tool: version(tool) for tool in TOOLS}))
