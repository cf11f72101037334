# SPDX-License-Identifier: MIT
"""A small OCI registry client over http.client, for what real clients do not let a test steer."""
import http.client
import json
import urllib.parse

from images import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST

ACCEPT = ", ".join((OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST))


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """(code, message) of the first error in the body."""
        first = self.json()["errors"][0]
        return first["code"], first["message"]

    def __repr__(self):
        return "%d %r" % (self.status, self.body[:500])


class Registry:
    """One address of the registry. `host` is what the Host header says (the connection goes to 127.0.0.1);
    `prefix` stands before every repository's name (path style)."""

    def __init__(self, port, host=None, prefix="", headers=None):
        self.port = port
        self.host = host or "127.0.0.1:%d" % port
        self.prefix = prefix
        self.headers = headers or {}

    @staticmethod
    def hostname(port, account, region, domain="localhost"):
        return Registry(port, "%s.dkr.ecr.%s.%s:%d" % (account, region, domain, port))

    @staticmethod
    def path(port, account, region):
        return Registry(port, "localhost:%d" % port, "%s/%s/" % (account, region))

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def send(self, method, target, body=None, headers=None, conn=None):
        """One request; `target` is a path, or a URL as found in Location."""
        url = urllib.parse.urlsplit(target)
        path = url.path + ("?" + url.query if url.query else "")
        own = conn is None
        conn = conn or self.connect()
        try:
            conn.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            sent = {"Host": self.host, **self.headers, **(headers or {})}
            if isinstance(body, (bytes, bytearray)):
                sent.setdefault("Content-Length", str(len(body)))
            elif body is None and method in ("POST", "PUT", "PATCH"):
                sent.setdefault("Content-Length", "0")
            for name, value in sent.items():
                conn.putheader(name, value)
            conn.endheaders()
            if isinstance(body, (bytes, bytearray)):
                conn.send(body)
            elif body is not None:
                if "Content-Length" in sent:
                    for chunk in body:
                        conn.send(chunk)
                else:
                    for chunk in body:
                        conn.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                    conn.send(b"0\r\n\r\n")
            res = conn.getresponse()
            return Answer(res.status, res.headers, res.read())
        finally:
            if own:
                conn.close()

    def url(self, repo, rest):
        return "/v2/%s%s/%s" % (self.prefix, repo, rest)

    # --- blobs ---

    def begin(self, repo):
        """Opens an upload; its Location."""
        answer = self.send("POST", self.url(repo, "blobs/uploads/"))
        if answer.status != 202:
            raise AssertionError("POST uploads: %r" % answer)
        return answer.headers["Location"]

    @staticmethod
    def with_digest(location, digest):
        return location + ("&" if "?" in location else "?") + "digest=" + digest

    def push_blob(self, repo, digest, data, chunks=None):
        """Uploads in one PUT; or with `chunks` by a chunked PATCH of those pieces and an empty PUT."""
        location = self.begin(repo)
        if chunks is not None:
            answer = self.send("PATCH", location, chunks,
                               {"Content-Type": "application/octet-stream",
                                "Transfer-Encoding": "chunked"})
            if answer.status != 202:
                raise AssertionError("PATCH: %r" % answer)
            location, data = answer.headers["Location"], b""
        answer = self.send("PUT", self.with_digest(location, digest), data,
                           {"Content-Type": "application/octet-stream"})
        if answer.status != 201:
            raise AssertionError("PUT blob: %r" % answer)
        return answer

    def has_blob(self, repo, digest):
        return self.send("HEAD", self.url(repo, "blobs/" + digest)).status == 200

    def get_blob(self, repo, digest, headers=None):
        return self.send("GET", self.url(repo, "blobs/" + digest), headers=headers)

    def mount(self, repo, digest, source):
        query = urllib.parse.urlencode({"mount": digest, "from": self.prefix + source})
        return self.send("POST", self.url(repo, "blobs/uploads/?" + query))

    # --- manifests ---

    def put_manifest(self, repo, image, reference=None):
        return self.send("PUT", self.url(repo, "manifests/" + (reference or image.digest)),
                         image.manifest, {"Content-Type": image.media_type})

    def get_manifest(self, repo, reference, accept=ACCEPT):
        return self.send("GET", self.url(repo, "manifests/" + reference),
                         headers={"Accept": accept} if accept else {})

    def head_manifest(self, repo, reference):
        return self.send("HEAD", self.url(repo, "manifests/" + reference), headers={"Accept": ACCEPT})

    def delete_manifest(self, repo, reference):
        return self.send("DELETE", self.url(repo, "manifests/" + reference))

    def tags(self, repo):
        """The tags, sorted."""
        answer = self.send("GET", self.url(repo, "tags/list"))
        if answer.status != 200:
            raise AssertionError("tags/list: %r" % answer)
        return sorted(answer.json()["tags"] or [])

    # --- whole images ---

    def push(self, repo, image, tag=None):
        """Uploads what is missing, then the manifest. Returns the digest."""
        for child in image.children:
            self.push(repo, child)
        for digest, data in image.blobs.items():
            if not self.has_blob(repo, digest):
                self.push_blob(repo, digest, data)
        answer = self.put_manifest(repo, image, tag)
        if answer.status != 201:
            raise AssertionError("PUT manifest: %r" % answer)
        return image.digest

    def check_pull(self, repo, image, reference=None):
        """Pulls everything and compares each byte."""
        answer = self.get_manifest(repo, reference or image.digest)
        if answer.status != 200 or answer.body != image.manifest:
            raise AssertionError("pull %s:%s: %r" % (repo, reference, answer))
        if answer.headers["Content-Type"] != image.media_type:
            raise AssertionError("Content-Type %s" % answer.headers["Content-Type"])
        if answer.headers["Docker-Content-Digest"] != image.digest:
            raise AssertionError("Docker-Content-Digest %s" % answer.headers["Docker-Content-Digest"])
        for digest, data in image.blobs.items():
            blob = self.get_blob(repo, digest)
            if blob.status != 200 or blob.body != data:
                raise AssertionError("blob %s: %d, %d bytes" % (digest, blob.status, len(blob.body)))
        for child in image.children:
            self.check_pull(repo, child)
