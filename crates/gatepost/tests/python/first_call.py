"""A first integration in another language, with nothing but the standard library.

Gets a token, writes a record, receives the webhook, verifies its signature, and meets the two workspace errors.
What it needs comes in environment variables; it prints "ok" and exits with 0 if all is as it must be.
"""

import base64
import hashlib
import hmac
import json
import os
import queue
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

BASE = os.environ["GATEPOST_URL"]
WORKSPACE = os.environ["GATEPOST_WORKSPACE"]
DEADLINE_SECONDS = 20
TOLERANCE_SECONDS = 300

arrived = queue.Queue()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        arrived.put((dict(self.headers.items()), body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def request(method, path, token=None, business=None, form=None, body=None):
    headers = {}
    if token is not None:
        headers["Authorization"] = "Bearer " + token
    if business is not None:
        headers["Business"] = business
    data = None
    if form is not None:
        data = urllib.parse.urlencode(form).encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    if body is not None:
        data = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    wanted = urllib.request.Request(BASE + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(wanted, timeout=DEADLINE_SECONDS) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def verify(headers, body, secret):
    """Standard Webhooks: HMAC-SHA-256 of id, timestamp and body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    headers = {name.lower(): value for name, value in headers.items()}
    identity, sent_at = headers["webhook-id"], headers["webhook-timestamp"]
    signed = f"{identity}.{sent_at}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    signatures = [part.split(",", 1)[1] for part in headers["webhook-signature"].split(" ")]
    assert any(hmac.compare_digest(expected, signature) for signature in signatures), headers
    assert abs(time.time() - int(sent_at)) < TOLERANCE_SECONDS, headers
    return headers


def main():
    receiver = HTTPServer(("127.0.0.1", int(os.environ["RECEIVER_PORT"])), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()

    status, issued = request("POST", "/oauth/token", form={
        "grant_type": "client_credentials",
        "client_id": os.environ["CLIENT_ID"],
        "client_secret": os.environ["CLIENT_SECRET"],
    })
    assert status == 200 and issued["token_type"] == "Bearer", issued
    assert issued["access_token"] == issued["accessToken"] and issued["expires_in"] == 259200, issued
    token = issued["access_token"]

    status, refused = request("GET", "/v1.11/tasks", token)
    assert (status, refused["message"]) == (400, "Business undefined is not enabled for this client."), refused
    status, refused = request("GET", "/v1.11/tasks", token, "elsewhere")
    assert (status, refused["message"]) == (400, "Business elsewhere is not enabled for this client."), refused

    status, task = request("POST", "/v1.11/tasks", token, WORKSPACE, body={"title": "Glaze the bowls – ünïcode"})
    assert status == 200 and task["title"] == "Glaze the bowls – ünïcode", task
    status, found = request("GET", "/v1.11/tasks/" + task["_id"], token, WORKSPACE)
    assert status == 200 and found == task, found

    headers, body = arrived.get(timeout=DEADLINE_SECONDS)
    headers = verify(headers, body, os.environ["SIGNING_SECRET"])
    assert json.loads(body) == task, body
    assert headers["gatepost-method"] == "task.create" and headers["gatepost-workspace"] == WORKSPACE, headers
    print("ok")


main()
