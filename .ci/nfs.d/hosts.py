"""The hosts of `.ci/nfs`: guests under qemu, the server they mount, and the network they share.

What is a part of the scene is made here, and what it says is handed on; what it means is left to others.
"""

import os
import pathlib
import queue
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from told import Failed, demand

HERE = pathlib.Path(__file__).resolve().parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent.parent / "target")).resolve()
TOOLS = {
    "ganesha.nfsd": "nfs-ganesha nfs-ganesha-vfs",
    "rpcbind": "rpcbind",
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "depmod": "kmod",
    "ip": "iproute2",
    "dpkg-deb": "dpkg",
    "apt-get": "apt",
}
OWN = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
KERNEL = "linux-image-cloud-amd64"
MODULES = ["virtio_pci", "virtio_net", "virtio_console", "nfsv3", "nfsv4"]
NFS_PORT, MOUNT_PORT = 20490, 20491
# Shells of a guest: one of them is for questions, the others are for what takes its time.
PORTS = 5
# Seconds that the server takes at most to learn after its start whose files were open, and to forget a
# client. A guest that is short of processor time has to come back within them.
GRACE_S = 20
ANSWER_S_MAX = 150


class Port:
    """A shell in a guest, at the end of a port."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for line in self.socket.makefile("r", errors="replace"):
                # Half a line is no acknowledgement.
                if line.endswith("\n"):
                    self.lines.put((time.monotonic(), line.rstrip("\r\n")))
        except OSError:
            pass
        self.lines.put((time.monotonic(), None))

    def say(self, command):
        self.socket.sendall((command + "\n").encode())

    def hear(self, until):
        """What is printed until a line that begins so; also if the guest dies."""
        while True:
            try:
                at, line = self.lines.get(timeout=ANSWER_S_MAX)
            except queue.Empty:
                raise Failed(f"a guest did not answer for {ANSWER_S_MAX} s") from None
            yield at, line
            if line is None or line.startswith(until):
                return

    def ask(self, command):
        """Runs a command and returns its exit code and what it printed."""
        self.say(command)
        *lines, (_, last) = self.hear("@done ")
        demand(last is not None, "a guest died under", command)
        return int(last.split()[1]), [line for _, line in lines]

    def run(self, command):
        code, lines = self.ask(command)
        demand(code == 0, f"`{command}` ended with exit code {code}:", *lines)
        return lines


class Guest:
    """A host under qemu, with a kernel and caches of its own."""

    def __init__(self, name, work, kernel, initrd):
        self.name, self.log = name, work / f"{name}.console"
        words = f"NAME={name} PORT={NFS_PORT} MOUNT_PORT={MOUNT_PORT}"
        args = [
            "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "512", "-nographic", "-nodefaults",
            "-no-reboot", "-kernel", kernel, "-initrd", initrd, "-serial", f"file:{self.log}",
            "-append", f"console=ttyS0 quiet panic=-1 random.trust_cpu=on no_timer_check {words}",
            "-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0,romfile=",
            "-device", "virtio-serial-pci,max_ports=16",
        ]  # fmt: skip
        paths = [work / f"{name}.{number}" for number in range(1, PORTS + 1)]
        for number, path in enumerate(paths, start=1):
            args += ["-chardev", f"socket,id=c{number},path={path},server=on,wait=off"]
            args += ["-device", f"virtserialport,chardev=c{number},nr={number}"]
        self.process = subprocess.Popen(
            [str(arg) for arg in args], stdin=subprocess.DEVNULL, stderr=open(work / f"{name}.qemu", "w")
        )
        for path in paths:
            while not path.exists():
                demand(self.process.poll() is None, f"qemu of {name} did not start")
                time.sleep(0.05)
        self.ports = [Port(path) for path in paths]
        self.control = self.ports[-1]

    def ready(self):
        for port in self.ports:
            *_, (_, last) = port.hear("@ready")
            demand(last is not None, f"{self.name} did not boot")
        self.control.run("attach")

    def kill(self):
        self.process.kill()
        self.process.wait()


class Server:
    """The NFS server: killed without a word, and started again on the same directory."""

    def __init__(self, work):
        self.work, self.process = work, None
        for name in ("export", "recovery"):
            (work / name).mkdir()
        (work / "ganesha.conf").write_text(
            f"""
            NFS_CORE_PARAM {{ Protocols = 3, 4; NFS_Port = {NFS_PORT}; MNT_Port = {MOUNT_PORT};
              Bind_addr = 127.0.0.1; Enable_NLM = false; Enable_RQUOTA = false; Mount_Path_Pseudo = true; }}
            NFSv4 {{ Minor_Versions = 2; Lease_Lifetime = {GRACE_S}; Grace_Period = {GRACE_S};
              RecoveryBackend = fs; RecoveryRoot = {work}/recovery; Only_Numeric_Owners = true; }}
            EXPORT {{ Export_Id = 1; Path = {work}/export; Pseudo = /x; Access_Type = RW;
              Squash = No_Root_Squash; SecType = sys; Protocols = 3, 4; Transports = TCP; FSAL {{ Name = VFS; }} }}
            """
        )

    def start(self):
        self.process = subprocess.Popen(
            ["ganesha.nfsd", "-F", "-f", self.work / "ganesha.conf", "-L", self.work / "ganesha.log",
             "-p", self.work / "ganesha.pid", "-N", "NIV_EVENT"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + 30
        while True:
            demand(self.process.poll() is None and time.monotonic() < until, "the NFS server did not start")
            try:
                socket.create_connection(("127.0.0.1", NFS_PORT), 1).close()
                return
            except OSError:
                time.sleep(0.1)

    def kill(self):
        self.process.kill()
        self.process.wait()


def missing():
    """Why this cannot be tried here, and what would help; nothing if it can."""
    if os.uname().machine != "x86_64":
        return "it needs x86_64", "run it on such a machine"
    if os.geteuid() != 0:
        return "the NFS server needs root", "sudo -E just nfs"
    packages = " ".join(package for tool, package in TOOLS.items() if not shutil.which(tool))
    if packages:
        return "packages of Debian are missing", f"apt-get install --no-install-recommends {packages}"
    if subprocess.run([*OWN, "true"], capture_output=True).returncode != 0:
        return "no network of its own can be made here", "run it where root is not held in a container"
    try:
        kernel()
    except (subprocess.CalledProcessError, StopIteration):
        return f"{KERNEL} of Debian could not be downloaded", "apt-get update"
    return None


def own_network():
    """Gives this network an address, without which names are not resolved, and what NFS 3 asks for ports."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "address", "add", "192.0.2.1/32", "dev", "lo"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    # It ends with the process space that all of this is in.
    subprocess.Popen(["rpcbind", "-f", "-w"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kernel():
    """The kernel of Debian and its modules: unpacked below the target directory, not installed."""
    depends = subprocess.run(
        ["apt-cache", "depends", KERNEL], check=True, capture_output=True, text=True
    ).stdout
    package = next(line.split()[-1] for line in depends.splitlines() if "Depends:" in line)
    version = package.removeprefix("linux-image-")
    root = TARGET / "nfs" / version
    if not root.exists():
        TARGET.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=TARGET) as download:
            get = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package]
            subprocess.run(get, cwd=download, check=True)
            (deb,) = pathlib.Path(download).glob("*.deb")
            unpacked = pathlib.Path(download) / "root"
            subprocess.run(["dpkg-deb", "-x", deb, unpacked], check=True)
            subprocess.run(["depmod", "-b", unpacked, version], check=True)
            root.parent.mkdir(exist_ok=True)
            unpacked.rename(root)
    return root, version


def build_initrd(work, runstone):
    """What a guest has: busybox, the modules it needs in their order, and the command with its libraries."""
    root, version = kernel()
    modules = root / "lib/modules" / version
    needs = dict(line.split(":") for line in (modules / "modules.dep").read_text().splitlines())
    order = []
    for wanted in MODULES:
        path = next(path for path in needs if path.endswith(f"/{wanted}.ko"))
        order += [module for module in [*reversed(needs[path].split()), path] if module not in order]
    tree = work / "guest"
    (tree / "modules").mkdir(parents=True)
    (tree / "bin").mkdir()
    for module in order:
        shutil.copy(modules / module, tree / "modules")
    (tree / "modules/order").write_text("".join(f"{pathlib.Path(module).name}\n" for module in order))
    shutil.copy(HERE / "guest", tree / "init")
    shutil.copy(shutil.which("busybox"), tree / "bin/busybox")
    shutil.copy(runstone, tree / "bin/runstone")
    for binary in (runstone, shutil.which("busybox")):
        # Says nothing of one that needs no libraries.
        linked = subprocess.run(["ldd", binary], capture_output=True, text=True).stdout
        for library in {word for word in linked.split() if word.startswith("/")}:
            (tree / library[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, tree / library[1:])
    initrd = work / "initrd"
    names = subprocess.run(["find", "."], cwd=tree, check=True, capture_output=True).stdout
    with open(initrd, "wb") as out:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=tree, input=names, stdout=out, check=True)
    return root / "boot" / f"vmlinuz-{version}", initrd
