"""Clones URL into DIRECTORY, fetches, and pushes an empty commit to REF, with libgit2."""

import sys

import pygit2
from credential import fill


class Callbacks(pygit2.RemoteCallbacks):
    def credentials(self, url, username_from_url, allowed_types):
        return pygit2.UserPass(*fill(url))

    def push_update_reference(self, refname, message):
        if message is not None:
            print(f"rejected {refname}: {message}", file=sys.stderr)
            sys.exit(3)


url, directory, ref = sys.argv[1:]
callbacks = Callbacks()
repository = pygit2.clone_repository(url, directory, callbacks=callbacks)
origin = repository.remotes["origin"]
origin.fetch(callbacks=callbacks)
person = pygit2.Signature("Agent", "agent@example.org")
head = repository.head.peel(pygit2.Commit)
repository.create_commit("refs/heads/made", person, person, "made", head.tree_id, [head.id])
origin.push([f"refs/heads/made:{ref}"], callbacks=callbacks)
