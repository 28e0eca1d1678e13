import subprocess


def fill(url):
    """Asks git's helpers, as git does. Returns the user's name and the password."""
    asked = subprocess.run(
        ["git", "credential", "fill"], input=f"url={url}\n\n", capture_output=True, text=True, check=True
    )
    answer = dict(line.split("=", 1) for line in asked.stdout.splitlines())
    return answer["username"], answer["password"]
