"""django-redis: Django's cache and its sessions, from several threads."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import django
from django.conf import settings

THREADS = 8
PAGES = 2_000
SESSIONS = 200
HITS = 1_000
TURNS = 100

settings.configure(
    CACHES={
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": os.environ["REDIS_URL"],
            "KEY_PREFIX": "site",
            "OPTIONS": {"COMPRESSOR": "django_redis.compressors.zlib.ZlibCompressor"},
        }
    },
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    SECRET_KEY="not one",
)
django.setup()

from django.contrib.sessions.backends.cache import SessionStore  # noqa: E402
from django.core.cache import cache  # noqa: E402


def pages():
    """Everything that is cached is found again; what is added by many is added by one."""
    def store(number):
        text = f"page {number} " * (number % 50)
        cache.set(f"page:{number}", {"text": text, "number": number}, timeout=600)
        return cache.add(f"once:{number % (PAGES // 4)}", number)

    with ThreadPoolExecutor(THREADS) as threads:
        added = list(threads.map(store, range(PAGES)))
    assert sum(added) == PAGES // 4
    found = cache.get_many([f"page:{number}" for number in range(PAGES)])
    assert len(found) == PAGES
    assert all(page["text"] == f"page {page['number']} " * (page["number"] % 50) for page in found.values())
    assert 590 <= cache.ttl("page:1") <= 600
    assert cache.persist("page:1") and cache.ttl("page:1") is None
    assert cache.expire("page:1", timedelta(seconds=50)) and cache.pttl("page:1") <= 50_000
    assert cache.touch("page:1", 500) and cache.ttl("page:1") > 400
    assert cache.has_key("page:1") and not cache.has_key("page:none")
    assert len(list(cache.iter_keys("page:*", itersize=100))) == PAGES
    assert cache.delete_pattern("page:*9") == PAGES // 10
    assert len(cache.keys("page:*")) == PAGES - PAGES // 10
    assert cache.delete_many(["page:1", "page:2", "page:9"]) == 2
    cache.set_many({f"many:{number}": number for number in range(500)}, timeout=60)
    assert cache.get("many:499") == 499 and cache.get("many:500", "none") == "none"
    assert not cache.set("many:1", 2, nx=True) and cache.get("many:1") == 1


def sessions():
    """Visits are counted for each visitor alone."""
    def visit(number):
        key = SessionStore()
        key["visits"] = 0
        key.save()
        for _ in range(5):
            session = SessionStore(session_key=key.session_key)
            session["visits"] += 1
            session["who"] = number
            session.save()
        return key.session_key

    with ThreadPoolExecutor(THREADS) as threads:
        keys = list(threads.map(visit, range(SESSIONS)))
    assert len(set(keys)) == SESSIONS
    for number, key in enumerate(keys):
        session = SessionStore(session_key=key)
        assert (session["visits"], session["who"]) == (5, number)
    SessionStore(session_key=keys[0]).flush()
    assert not SessionStore().exists(keys[0]) and SessionStore().exists(keys[1])


def counters():
    """Increments, which are scripts, all count; what a lock protects is done by one at a time."""
    cache.set("hits", 0, timeout=None)
    cache.set("turns", 0)

    def take_turn(_):
        with cache.lock("turn", timeout=60):
            cache.set("turns", cache.get("turns") + 1)

    with ThreadPoolExecutor(THREADS) as threads:
        seen = sorted(threads.map(lambda _: cache.incr("hits"), range(HITS)))
        assert seen == list(range(1, HITS + 1))
        list(threads.map(take_turn, range(TURNS)))
    assert cache.get("turns") == TURNS


def main():
    pages()
    sessions()
    counters()
    cache.clear()
    assert cache.keys("*") == []
    print(f"{PAGES} pages, {SESSIONS} sessions, {HITS} increments and {TURNS} locks from {THREADS} threads")


if __name__ == "__main__":
    main()
