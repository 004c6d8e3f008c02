"""Print the versions of all frameworks as JSON."""

import json
from importlib.metadata import version

FRAMEWORKS = ("torch", "torchvision", "lightning", "fastai", "keras", "tensorflow-cpu")

if __name__ == "__main__":
    print(json.dumps({framework: version(framework) for framework in FRAMEWORKS}))
