# SPDX-License-Identifier: MIT
"""What tests do with agents, over a Client."""

import pathlib
import urllib.parse


def spawn(client, task="do it", mode="full", **params):
    """The new agent; mode None is the server's own default."""
    if mode:
        params["mode"] = mode
    return client.request("swarm/spawn", {"task": task, **params})["agent"]


def get(client, agent):
    return client.request("swarm/get", {"agentId": agent["id"]})


def items(client, agent, kind=None):
    """Its items so far, or those of a kind."""
    page = client.request("swarm/transcript", {"agentId": agent["id"], "limit": 500})["items"]
    return [item for item in page if kind in (None, item["kind"])]


def worktree(agent):
    return pathlib.Path(urllib.parse.unquote(urllib.parse.urlparse(agent["worktree"]).path))
