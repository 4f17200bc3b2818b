"""The servers that are compared: how each is configured and started.

All have the same certificates, verify clients, resume nothing, and run on as
many threads as their manual recommends for one core; the client's offer decides
that it is TLS 1.3, X25519 and AES-256-GCM.  Peers log nothing of each
connection where they can be told so; postern has its own default.  The proxies
have one plain echo server behind them (peers/plain-echo.c), which counts as
theirs.
"""

import os
import resource
import shutil

# Connections, as all are told: a proxy has two descriptors for each, and
# HAProxy does not start if it may not have them.
FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
MANY = 20000 if FILES == resource.RLIM_INFINITY else \
    min(20000, FILES // 2 - 100)


class Server:
    """A name, a class to be compared within, and how to start it."""

    name = ""
    kind = "C"  # "postern", "C" or "Go"
    per_connection = False  # a process for each connection
    program = ""  # that must be installed
    backend = False  # wants the plain echo server
    plain = False
    options = []  # of postern-bench
    most = 5000  # connections that it is asked to hold
    no_more = ""  # why it is not asked for as many as others
    only = None  # the measures that it is asked for, if not all

    def __init__(self, where, pki, build):
        self.where = where  # directory of its own
        self.pki = pki  # directory of ca.pem, server.pem, ...
        self.build = build

    def missing(self):
        return None if shutil.which(self.program) else self.program

    def command(self, port, backend):
        raise NotImplementedError

    def write(self, name, text):
        path = os.path.join(self.where, name)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        return path


class Postern(Server):
    kind = "postern"
    isolation = ""
    parents = 1

    def missing(self):
        return None

    def command(self, port, backend):
        conf = self.write("posternd.conf", f"""
listen = {{ "127.0.0.1:{port}" }}
certificate = "{self.pki}/server.pem"
key = "{self.pki}/server.key"
parents = {self.parents}
isolation = "{self.isolation}"
max-connections = {self.most + 500}
# All clients come from one address here, as no service's do.
accept-rate = 100000
accept-burst = 100000
clients {{
	ca = "{self.pki}/ca.pem"
	host-check = "no"
}}
""")
        return [f"{self.build}/posternd", "-f", conf]


class PosternConnection(Postern):
    name = "postern"
    isolation = "connection"
    per_connection = True


class PosternPool(Postern):
    name = "postern-pool"
    isolation = "pool"


class PosternTwo(PosternConnection):
    """What a second parent brings: told, and compared with nobody."""

    name = "postern-2"
    parents = 2
    only = ("handshake", "echo-64x64", "bulk-x4")


class PosternPoolTwo(PosternPool):
    name = "postern-pool-2"
    parents = 2
    only = PosternTwo.only


class Go(Server):
    name = "go"
    kind = "Go"
    program = "go"

    def command(self, port, backend):
        return [f"{self.build}/bench/go-echo", str(port),
                f"{self.pki}/server.pem", f"{self.pki}/server.key",
                f"{self.pki}/ca.pem"]


class Nginx(Server):
    name = "nginx"
    program = "nginx"
    backend = True

    def missing(self):
        module = "/usr/lib/nginx/modules/ngx_stream_module.so"
        if shutil.which("nginx") and os.path.exists(module):
            return None
        return "nginx with its stream module"

    def command(self, port, backend):
        conf = self.write("nginx.conf", f"""
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile {2 * MANY};
pid {self.where}/nginx.pid;
error_log {self.where}/error.log;
events {{ worker_connections {2 * MANY}; }}
stream {{
	server {{
		listen 127.0.0.1:{port} ssl backlog=1024;
		ssl_certificate {self.pki}/server.pem;
		ssl_certificate_key {self.pki}/server.key;
		ssl_client_certificate {self.pki}/ca.pem;
		ssl_verify_client on;
		ssl_protocols TLSv1.3;
		ssl_ecdh_curve X25519;
		ssl_session_cache off;
		ssl_session_tickets off;
		proxy_pass 127.0.0.1:{backend};
	}}
}}
""")
        return ["nginx", "-c", conf, "-e", f"{self.where}/error.log"]


class Haproxy(Server):
    name = "haproxy"
    program = "haproxy"
    backend = True

    def command(self, port, backend):
        conf = self.write("haproxy.cfg", f"""
global
	nbthread 1
	maxconn {MANY}
	tune.ssl.cachesize 0
defaults
	mode tcp
	timeout connect 5s
	timeout client 10m
	timeout server 10m
listen echo
	bind 127.0.0.1:{port} ssl crt {self.pki}/both.pem \
ca-file {self.pki}/ca.pem verify required ssl-min-ver TLSv1.3 \
no-tls-tickets curves X25519 backlog 1024
	server plain 127.0.0.1:{backend}
""")
        return ["haproxy", "-db", "-q", "-f", conf]


class Hitch(Server):
    name = "hitch"
    program = "hitch"
    backend = True

    def command(self, port, backend):
        conf = self.write("hitch.conf", f"""
frontend = "[127.0.0.1]:{port}"
backend = "[127.0.0.1]:{backend}"
pem-file = "{self.pki}/both.pem"
client-verify = required
client-verify-ca = "{self.pki}/ca.pem"
tls-protos = TLSv1.3
ecdh-curve = "X25519"
workers = 1
backlog = 1024
log-level = 0
user = "nobody"
""")
        return ["hitch", f"--config={conf}"]


class Stunnel(Server):
    name = "stunnel"
    program = "stunnel4"
    backend = True

    def command(self, port, backend):
        conf = self.write("stunnel.conf", f"""
foreground = quiet
syslog = no
debug = 3
pid =
[echo]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{backend}
cert = {self.pki}/server.pem
key = {self.pki}/server.key
CAfile = {self.pki}/ca.pem
verifyChain = yes
sslVersion = TLSv1.3
curves = X25519
options = NO_TICKET
sessionCacheSize = 1
""")
        return ["stunnel4", conf]


class Socat(Server):
    """It has P-256 alone, which nobody can change."""

    name = "socat"
    program = "socat"
    options = ["-P"]
    per_connection = True
    backend = True
    most = 1000
    no_more = "not asked: 5,000 of its processes have 2.8 GB"

    def command(self, port, backend):
        return ["socat", "-b", "65536",  # in place of 8 KiB
                f"OPENSSL-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,"
                f"backlog=1024,nodelay,cert={self.pki}/server.pem,"
                f"key={self.pki}/server.key,cafile={self.pki}/ca.pem,"
                "verify=1,openssl-min-proto-version=TLS1.3",
                f"TCP:127.0.0.1:{backend},nodelay"]


class Tlswrapper(Server):
    """It has TLS 1.2 alone, and is started for each connection."""

    name = "tlswrapper"
    program = "tlswrapper"
    per_connection = True
    options = ["-2"]
    most = 1000
    no_more = "not asked: it has 15,000 processes for them, and 3.5 GB"

    def command(self, port, backend):
        inner = (f"tlswrapper -q -t 600 -f {self.pki}/both.pem "
                 f"-a {self.pki}/ca.pem cat")
        return ["socat", f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,"
                "backlog=1024,nodelay", f"EXEC:{inner},nofork"]


class Loopback(Server):
    """No TLS: what the machine's loopback would allow."""

    name = "loopback"
    kind = "limit"
    plain = True

    def missing(self):
        return None

    def command(self, port, backend):
        return [f"{self.build}/bench/plain-echo", str(port)]


ALL = [PosternConnection, PosternPool, PosternTwo, PosternPoolTwo, Go, Nginx,
       Haproxy, Hitch, Stunnel, Socat, Tlswrapper, Loopback]
