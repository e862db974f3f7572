"""`make release`: builds what is published, from the last commit, into dist/. Connects nowhere.

make release VERSION=0.2.0     writes the version and the changelog's section; commit them then
make release                   checks that the tree can be released, and builds
make release TAG=1             the same, and tags the commit
"""

import argparse
import sys
from pathlib import Path
from typing import Final

from tools.release.build import BuildError, build_all
from tools.release.chart import ChartError
from tools.release.readiness import list_obstacles
from tools.release.repository import Repository
from tools.release.version import VersionError, open_version, read_section, read_version

ROOT: Final = Path(__file__).parents[2]


def main() -> int:
    """Do what the command line asks for; return its exit code."""
    parser = argparse.ArgumentParser(prog="make release", description=__doc__)
    parser.add_argument("--version", help="write this version and its section, and build nothing")
    parser.add_argument("--tag", action="store_true", help="tag the commit that was built")
    parser.add_argument("--url", default="", help="the repository's address, for the metadata")
    parser.add_argument("--image", default="", help="where its image will be, for the chart")
    asked = parser.parse_args()
    repository = Repository(ROOT)
    if asked.version:
        for path in open_version(ROOT, asked.version, repository.read_date()):
            print(f"{path.relative_to(ROOT)}: written for {asked.version}")
        print("Look at both, run `make references`, commit, then `make release`.")
        return 0
    obstacles = tuple(list_obstacles(repository))
    for obstacle in obstacles:
        print(f"not releasable: {obstacle}", file=sys.stderr)
    if obstacles:
        return 1
    version = read_version(ROOT)
    for path in build_all(repository, version, asked.url, asked.image):
        print(path.relative_to(ROOT))
    if asked.tag and repository.find_tag(version) is None:
        repository.write_tag(version, read_section(ROOT, version))
        print(f"tagged v{version}; publish it with: git push origin v{version}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BuildError, ChartError, VersionError) as error:
        sys.exit(f"make release: {error}")
