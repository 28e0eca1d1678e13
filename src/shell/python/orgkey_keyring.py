"""A backend of Python's keyring: the password for a feed of Azure DevOps, from the orgkey daemon.

For programs that import keyring instead of running it, such as twine: put this folder on the PYTHONPATH.
"""

import os
import subprocess

from keyring import backend, credentials, errors

PROGRAM = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "keyring", "keyring")


class OrgkeyKeyring(backend.KeyringBackend):
    # before the backends of the desktop, which have at most 5
    priority = 9.5

    def get_credential(self, service, username):
        if not service.startswith("https://"):
            return None
        # otherwise the program would pass a foreign address on to Python's keyring, which asks us again
        environment = dict(os.environ, ORGKEY_KEYRING_ALONE="1")
        words = ["/bin/sh", PROGRAM, "get", service, "--mode", "creds"]
        try:
            ran = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment)
        except OSError:
            return None
        lines = ran.stdout.decode("utf-8", "replace").splitlines()
        if ran.returncode != 0 or len(lines) != 2:
            return None
        return credentials.SimpleCredential(username or lines[0], lines[1])

    def get_password(self, service, username):
        credential = self.get_credential(service, username)
        return credential and credential.password

    def set_password(self, service, username, password):
        raise errors.PasswordSetError("orgkey stores no passwords")

    def delete_password(self, service, username):
        raise errors.PasswordDeleteError("orgkey stores no passwords")
