"""Fills and changes the trees and file systems of bench/corpora: corpora.py tree|disk|change-tree|change-disk DIR."""
import hashlib
import os
import random
import shutil
import stat
import sys

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
SOURCES = ["/usr/bin", "/usr/include", "/usr/lib", "/usr/libexec", "/usr/sbin", "/usr/share"]
words = None


def regular_files(roots):
    """Path and size of every regular file, in a fixed order; kernel modules and a package manager's halves left out."""
    for root in roots:
        for directory, below, names in os.walk(root):
            below.sort()
            if directory.startswith("/usr/lib/modules"):
                below.clear()
                continue
            for name in sorted(names):
                path = os.path.join(directory, name)
                if name.endswith((".dpkg-new", ".dpkg-tmp")):
                    continue
                try:
                    status = os.lstat(path)
                except OSError:
                    continue
                if stat.S_ISREG(status.st_mode):
                    yield path, status.st_size


def copy(path, root):
    target = root + path
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        shutil.copyfile(path, target)
    except FileNotFoundError:
        return False
    os.chmod(target, 0o644)
    when = 1700000000 + int(hashlib.sha256(path.encode()).hexdigest()[:6], 16)
    os.utime(target, (when, when))
    return True


def new_bytes(rng, length):
    """Three tenths noise, else words in random order, which compress about three to one."""
    global words
    if rng.random() < 0.3:
        return rng.randbytes(length)
    if words is None:
        with open("/usr/share/common-licenses/GPL-3") as text:
            words = sorted(set(text.read().split()))
    out = bytearray()
    while len(out) < length:
        out += (" ".join(rng.choices(words, k=2000)) + "\n").encode()
    return bytes(out[:length])


def files_below(root):
    found = []
    for directory, below, names in os.walk(root):
        below.sort()
        found += [os.path.join(directory, name) for name in sorted(names)]
    return [path for path in found if "lost+found" not in path]


def insert(path, at, data, anew=False):
    with open(path, "rb") as old:
        content = old.read()
    if anew:
        os.unlink(path)
    with open(path, "wb") as changed:
        changed.write(content[:at] + data + content[at:])


def overwrite(path, at, data):
    with open(path, "r+b") as changed:
        changed.seek(at)
        changed.write(data)


def write_new(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as made:
        made.write(data)


def tree(root):
    files = [one for one in regular_files(SOURCES) if one[1] <= 16 * MIB]
    random.Random(11).shuffle(files)
    count = total = 0
    for path, size in files:
        if total >= 5 * GIB // 2 or count >= 100_000:
            break
        if copy(path, root):
            count, total = count + 1, total + size
    print(f"tree: {count} files, {total} bytes")


def change_tree(root):
    rng = random.Random(12)
    files = files_below(root)
    added = moved = 0
    for number, path in enumerate(rng.sample(files, int(len(files) * 0.022))):
        size, kind = os.path.getsize(path), rng.random()
        if kind < 0.30:  # a few ranges in place
            for _ in range(rng.randint(1, 4)):
                length = min(size, rng.randint(16, 8192))
                if length:
                    overwrite(path, rng.randrange(size - length + 1), new_bytes(rng, length))
                    added += length
        elif kind < 0.55:
            data = new_bytes(rng, rng.randint(1, 4000))
            insert(path, size // 2, data)
            added += len(data)
        elif kind < 0.65:
            data = new_bytes(rng, rng.randint(100, 60_000))
            with open(path, "ab") as log:
                log.write(data)
            added += len(data)
        elif kind < 0.78:
            os.unlink(path)
            continue
        else:
            target = f"{root}/moved/d{rng.randrange(40):02}/{os.path.basename(path)}.{moved}"
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.rename(path, target)
            moved += 1
            continue
        os.utime(path, (1710000000 + number,) * 2)
    large = [path for path in files if os.path.exists(path) and os.path.getsize(path) > 4 * MIB]
    for path in rng.sample(large, min(20, len(large))):
        data = new_bytes(rng, rng.randint(1, 3000))
        insert(path, os.path.getsize(path) // 10, data)
        os.utime(path, (1711000000,) * 2)
        added += len(data)
    number = 0
    while added < 48 * MIB:
        length = int(min(8 * MIB, rng.paretovariate(0.9) * 4096))
        path = f"{root}/new/n{rng.randrange(20):02}/f{number:05}.dat"
        write_new(path, new_bytes(rng, length))
        os.utime(path, (1712000000,) * 2)
        added, number = added + length, number + 1
    print(f"tree v2: {number} new files, {moved} moved, {added} new bytes")


def disk(root):
    """Whole directories in seeded order, as installed systems have them, until 2.8 GiB are full."""
    groups = {}
    for path, size in regular_files(SOURCES + ["/var/lib/dpkg"]):
        groups.setdefault("/".join(path.split("/")[:4]), []).append((path, size))
    order = sorted(groups)
    random.Random(21).shuffle(order)
    count = total = 0
    for group in order:
        if sum(size for _, size in groups[group]) > 700 * MIB:
            continue
        for path, size in groups[group]:
            if total + size <= int(2.8 * GIB) and count < 120_000 and copy(path, root):
                count, total = count + 1, total + size
    print(f"disk: {count} files, {total} bytes")


def change_disk(root):
    rng = random.Random(22)
    files = files_below(root)
    for path in rng.sample(files, len(files) // 100):
        os.unlink(path)
    files = [path for path in files if os.path.exists(path)]
    for path in rng.sample(files, len(files) // 100):  # as an editor saves
        insert(path, os.path.getsize(path) // 2, new_bytes(rng, rng.randint(1, 3000)), anew=True)
    large = [path for path in files if os.path.getsize(path) > 2 * MIB]
    written = 0
    while written < 14 * MIB:  # as a database writes
        path = rng.choice(large)
        length = rng.choice([4, 8, 16, 64]) * KIB
        overwrite(path, rng.randrange(max(1, (os.path.getsize(path) - length) // 4096)) * 4096, new_bytes(rng, length))
        written += length
    made = number = 0
    while made < 22 * MIB:
        length = int(min(6 * MIB, rng.paretovariate(0.8) * 6000))
        write_new(f"{root}/var/new/n{rng.randrange(30):02}/f{number:05}", new_bytes(rng, length))
        made, number = made + length, number + 1
    os.makedirs(f"{root}/var/log", exist_ok=True)
    for log in range(40):
        with open(f"{root}/var/log/l{log:02}.log", "ab") as grown:
            grown.write(new_bytes(rng, rng.randint(1000, 300_000)))
    print(f"disk v2: {number} new files of {made} bytes, {written} bytes written in place")


if __name__ == "__main__":
    what = {"tree": tree, "change-tree": change_tree, "disk": disk, "change-disk": change_disk}
    what[sys.argv[1]](os.path.abspath(sys.argv[2]))
