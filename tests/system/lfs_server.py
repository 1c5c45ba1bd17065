# SPDX-License-Identifier: ISC
"""lfs_server.py ADDRESS PORT: a store for git-lfs, in memory: the batch API,
basic transfers. Who has no X-Test-User is turned away. Prints "ready"."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OBJECTS = {}
BASE = f"http://{sys.argv[1]}:{sys.argv[2]}"
KIND = "application/vnd.git-lfs+json"


class Handler(BaseHTTPRequestHandler):
    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Type", KIND)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers["Content-Length"]))

    def do_POST(self):
        user = self.headers["X-Test-User"]
        asked = json.loads(self.body())
        if not user or not self.path.endswith("/objects/batch"):
            return self.answer(403, b"{}")
        found = []
        for x in asked["objects"]:
            way = {"href": f"{BASE}/o/{x['oid']}",
                   "header": {"X-Test-User": user}}
            have = x["oid"] in OBJECTS
            one = {"oid": x["oid"], "size": x["size"]}
            if asked["operation"] == "upload" and not have:
                one["actions"] = {"upload": way}
            if asked["operation"] == "download":
                one["actions"] = {"download": way}
            found.append(one)
        self.answer(200, json.dumps({"transfer": "basic",
                                     "objects": found}).encode())

    def do_PUT(self):
        OBJECTS[self.path.rpartition("/")[2]] = self.body()
        self.answer(200)

    def do_GET(self):
        self.answer(200, OBJECTS[self.path.rpartition("/")[2]])

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler)
print("ready", flush=True)
server.serve_forever()
