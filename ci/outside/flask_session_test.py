"""Flask-Session: sessions of a web application, kept on the server, that end when their time is over."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import flask
import redis
from flask_session import Session

VISITORS = 300
VISITS = 5
LIFETIME_SECONDS = 3600

CONNECTION = redis.Redis.from_url(os.environ["REDIS_URL"])

app = flask.Flask(__name__)
app.config.update(
    SESSION_TYPE="redis",
    SESSION_REDIS=CONNECTION,
    PERMANENT_SESSION_LIFETIME=timedelta(seconds=LIFETIME_SECONDS),
)
Session(app)


@app.post("/cart/<item>")
def put(item):
    flask.session.setdefault("cart", []).append(item)
    flask.session.modified = True
    return ""


@app.get("/cart")
def cart():
    return flask.jsonify(flask.session.get("cart", []))


@app.delete("/cart")
def leave():
    flask.session.clear()
    return ""


def visit(visitor):
    with app.test_client() as browser:
        for number in range(VISITS):
            assert browser.post(f"/cart/{visitor}-{number}").status_code == 200
        found = browser.get("/cart").json
        assert found == [f"{visitor}-{number}" for number in range(VISITS)], found
        if visitor % 3 == 0:
            browser.delete("/cart")
            assert browser.get("/cart").json == []


def main():
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(visit, range(VISITORS)))
    sessions = list(CONNECTION.scan_iter("session:*"))
    assert len(sessions) == VISITORS - VISITORS // 3, len(sessions)
    for session in sessions:
        assert LIFETIME_SECONDS - 600 < CONNECTION.ttl(session) <= LIFETIME_SECONDS
    print(f"{VISITORS} visitors with {VISITS} visits each")


if __name__ == "__main__":
    main()
