"""Clones URL into DIRECTORY, fetches, and pushes an empty commit to REF, with Dulwich, which has no insteadOf."""

import sys

from credential import fill
from dulwich import porcelain

url, directory, ref = sys.argv[1:]
username, password = fill(url)
login = {"username": username, "password": password}
repository = porcelain.clone(url, directory, errstream=sys.stderr.buffer, **login)
porcelain.fetch(repository, url, errstream=sys.stderr.buffer, **login)
porcelain.commit(repository, message=b"made", author=b"Agent <agent@example.org>", committer=b"Agent <agent@example.org>")
# it reports a ref that is refused, and succeeds
porcelain.push(repository, url, f"HEAD:{ref}", errstream=sys.stderr.buffer, **login)
