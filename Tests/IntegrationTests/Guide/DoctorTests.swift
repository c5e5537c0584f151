import Backplane
import Foundation
import TestCertificates
import Testing

/// `perseid doctor` in front of real deployments: those that are well, and those in which something is broken.
@Suite struct DoctorTests {
    @Test("a deployment that is well, through the way to it")
    func well() async throws {
        try await Cluster.with(nodes: 1, keepsData: true, redisOptions: BrokenRedis.well) { cluster in
            func visit() async throws -> DoctorVisit {
                let url = "http://127.0.0.1:\(cluster.nodes[0].port)"
                return try await DoctorVisit(
                    ["--redis", cluster.redis.url, "--url", url, "--seconds", "1"],
                    in: cluster.scratch
                )
            }
            // A way on which a message takes seconds is none that is well, also where other tests have the processors: the best of three.
            var said = try await visit()
            for _ in 0..<2 where said.text.contains("TROUBLE  way") { said = try await visit() }
            #expect(!said.text.contains("TROUBLE  redis") && !said.text.contains("TROUBLE  way"), "\(said.text)")
            for transport in ["webSocket", "eventStream", "longPoll"] {
                #expect(said.text.contains("way \(transport): open after"), "\(said.text)")
                #expect(said.text.contains("way \(transport): a message came"), "\(said.text)")
            }
            #expect(said.text.contains("rights: a node can do here what it must"), "\(said.text)")
        }
    }

    @Test("a Redis in which one thing is wrong", arguments: BrokenRedis.all)
    func redis(_ broken: BrokenRedis) async throws {
        let scratch = try Scratch()
        let redis = try await RedisServer(keepsData: true, options: BrokenRedis.well + broken.options, in: scratch)
        // As a node has left it, where one may.
        _ = try? await redis.command("FUNCTION", "LOAD", String(decoding: RedisFunctions.source, as: UTF8.self))
        if !broken.command.isEmpty { try await redis.command(broken.command) }
        let visit = try await DoctorVisit(["--redis", "redis://\(broken.user)127.0.0.1:\(redis.port)"], in: scratch)
        #expect(visit.names(broken.words, cure: broken.cure, isTrouble: broken.isTrouble), "\(visit.text)")
        #expect(visit.text.contains("TROUBLE  redis") == broken.isTrouble, "\(visit.text)")
    }

    @Test("a user who lacks one right of those that the reference lists, each in turn")
    func rights() async throws {
        let scratch = try Scratch()
        let all = try RedisAccessTests.rights(of: "perseid")
        let options = BrokenRedis.well + ["--user", "node", "on", ">word"] + all
        let redis = try await RedisServer(keepsData: true, options: options, in: scratch)
        try await redis.command("FUNCTION", "LOAD", String(decoding: RedisFunctions.source, as: UTF8.self))
        let url = "redis://node:word@127.0.0.1:\(redis.port)"
        try #require(!(try await DoctorVisit(["--redis", url], in: scratch)).text.contains("lacks"))
        let rights = all.filter { $0.hasPrefix("+") }
        try #require(rights.count > 25)
        for right in rights {
            try await redis.command("ACL", "SETUSER", "node", "-\(right.dropFirst())")
            let visit = try await DoctorVisit(["--redis", url], in: scratch)
            #expect(
                !visit.isWell && visit.names("lacks \(right)", cure: "ACL SETUSER <user> \(right)"),
                "\(visit.text)"
            )
            try await redis.command("ACL", "SETUSER", "node", right)
        }
    }

    @Test(
        "a Redis whose clock is off, or that is too old",
        arguments: [
            ("clock", "clock: its clock is ", "chronyc tracking"), ("old", "version: it is 6.2.14", "use Redis 7"),
        ]
    )
    func lies(_ lie: String, _ words: String, _ cure: String) async throws {
        let scratch = try Scratch()
        let redis = try await RedisServer(keepsData: true, options: BrokenRedis.well, in: scratch)
        let port = Port.free()
        let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Clients/lying_redis.py")
        let liar = try ChildProcess(["python3", script.path, "\(port)", "\(redis.port)", lie], in: scratch)
        try await eventually("it listens", isTrue: { liar.outputText.contains("listening") })
        let visit = try await DoctorVisit(["--redis", "redis://127.0.0.1:\(port)"], in: scratch)
        #expect(!visit.isWell && visit.names(words, cure: cure), "\(visit.text)")
    }

    @Test("no Redis there; one that is stopped; something else; one without TLS; one whose authority nobody knows")
    func unreached() async throws {
        let scratch = try Scratch()
        let stopped = try await RedisServer(in: scratch)
        stopped.signal(SIGSTOP)
        defer { stopped.signal(SIGCONT) }
        let node = try await PerseidNode(id: "a", redis: nil, in: scratch)
        let trust = try RedisTrust()
        let secured = try await RedisServer(trust: trust, in: scratch)
        for (url, words, cure) in [
            ("redis://127.0.0.1:\(Port.free())", "redis is not reached", "see that it runs"),
            ("redis://127.0.0.1:\(stopped.port)", "redis does not answer", "SLOWLOG GET"),
            ("redis://127.0.0.1:\(node.port)", "redis does not answer", "no Redis at all"),
            ("rediss://127.0.0.1:\(secured.port)", "redis and the node do not agree on TLS", "redis-tls.ca"),
            (
                "rediss://127.0.0.1:\(secured.securePort ?? 0)", "redis and the node do not agree on TLS",
                "redis-tls.ca"
            ),
        ] {
            let visit = try await DoctorVisit(["--redis", url], in: scratch)
            #expect(!visit.isWell && visit.names(words, cure: cure), "\(url): \(visit.text)")
        }
        try await node.stop()
    }

    @Test("a cluster that is taken for a server, and one that is half down")
    func cluster() async throws {
        let scratch = try Scratch()
        let cluster = try await RedisClusterServers(in: scratch)
        let mistaken = try await DoctorVisit(["--redis", cluster.servers[0].url], in: scratch)
        #expect(mistaken.names("redis is of another kind", cure: "redis+cluster://"), "\(mistaken.text)")
        try await cluster.servers[2].kill()
        let halved = try await DoctorVisit(["--redis", cluster.url], in: scratch)
        #expect(!halved.isWell && halved.names("redis is not reached", cure: "see that it runs"), "\(halved.text)")
    }

    @Test("two nodes of one name")
    func names() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let visit = try await DoctorVisit(["--redis", cluster.redis.url, "--node-id", "a"], in: cluster.scratch)
            #expect(
                visit.names("a node of this name lives", cure: "give each its own node-id", isTrouble: false),
                "\(visit.text)"
            )
        }
    }

    @Test("a newer library is told, and is nothing bad")
    func newer() async throws {
        let scratch = try Scratch()
        let redis = try await RedisServer(keepsData: true, options: BrokenRedis.well, in: scratch)
        let source = String(decoding: RedisFunctions.source, as: UTF8.self)
            .replacing("local VERSION = \(RedisFunctions.version)", with: "local VERSION = 999")
        try await redis.command("FUNCTION", "LOAD", source)
        let visit = try await DoctorVisit(["--redis", redis.url], in: scratch)
        #expect(visit.text.contains("functions: version 999, newer than this program's"), "\(visit.text)")
    }

    @Test("nothing listens where clients are to come")
    func nobody() async throws {
        let scratch = try Scratch()
        let said = try await DoctorVisit(["--url", "http://127.0.0.1:\(Port.free())", "--seconds", "0"], in: scratch)
        #expect(!said.isWell && said.text.contains("see that something listens there"), "\(said.text)")
    }

    /// What each balancer does wrong, as nginx is told to.
    @Test(
        "a balancer that buffers, cuts after a silence, passes no WebSocket on, forgets where a stream was, or reaches nobody",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/sbin/nginx"), "nginx is needed"),
        arguments: [
            (
                // With chunks, nginx passes on what comes; without, it waits until a buffer is full.
                "proxy_http_version 1.0; proxy_ignore_headers X-Accel-Buffering; proxy_read_timeout 75s;",
                "way eventStream", "no buffering"
            ),
            ("proxy_set_header Upgrade ''; proxy_buffering off; proxy_read_timeout 75s;", "way webSocket", "Upgrade"),
            ("proxy_buffering off; proxy_read_timeout 3s;", "the connection was lost", "idle time-outs"),
            (
                "proxy_set_header Last-Event-ID ''; proxy_buffering off; proxy_read_timeout 75s;",
                "way eventStream again", "Last-Event-ID"
            ),
            ("proxy_buffering off; proxy_read_timeout 75s; if ($uri != /readyz) { return 502; }", "502", "/readyz"),
        ]
    )
    func balancers(_ directives: String, _ words: String, _ cure: String) async throws {
        let scratch = try Scratch()
        let node = try await PerseidNode(id: "a", redis: nil, in: scratch)
        let port = Port.free()
        let upgrade = directives.contains("Upgrade") ? "" : "proxy_set_header Upgrade $http_upgrade;"
        let version = directives.contains("proxy_http_version") ? "" : "proxy_http_version 1.1;"
        let file = scratch.file("nginx.conf")
        try """
        worker_processes 1;
        events { worker_connections 200; }
        http {
            access_log off;
            map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
            server {
                listen 127.0.0.1:\(port);
                location / {
                    proxy_pass http://127.0.0.1:\(node.port); \(version) \(upgrade)
                    proxy_set_header Connection $connection_upgrade; \(directives)
                }
            }
        }
        """.write(to: file, atomically: true, encoding: .utf8)
        let nginx = try ChildProcess(
            [
                "nginx", "-p", scratch.directory.path, "-g", "daemon off; pid nginx.pid; error_log stderr;", "-c",
                file.path,
            ],
            in: scratch
        )
        try await eventually(
            "nginx lets requests through",
            isTrue: { (try? await HTTPConnection.ask("GET", "/readyz", port: port).status) == 200 }
        )
        func visit() async throws -> DoctorVisit {
            try await DoctorVisit(["--url", "http://127.0.0.1:\(port)", "--seconds", "6"], in: scratch)
        }
        // Where other tests have the processors a message is late, too, and what comes behind it is not tried: the best of three.
        var said = try await visit()
        for _ in 0..<2 where !said.names(words, cure: cure) { said = try await visit() }
        #expect(!said.isWell && said.names(words, cure: cure), "\(said.text)")
        nginx.signal(SIGTERM)
        try await nginx.end()
        try await node.stop()
    }

    @Test(
        "certificates that clients are shown: expired, of another name, of an authority that nobody knows, or soon at their end"
    )
    func certificates() async throws {
        let scratch = try Scratch()
        let (authority, stranger) = (try TestAuthority(), try TestAuthority())
        defer { for each in [authority, stranger] { each.remove() } }
        for (certificate, words, cure) in [
            (try authority.issue(["127.0.0.1"], days: "0"), "expired", "renew"),
            (try authority.issue(["live.example.com"]), "certificate", "name"),
            (try stranger.issue(["127.0.0.1"]), "certificate", "--ca"),
        ] {
            try authority.write(certificate, as: "node")
            let port = Port.free()
            let pair = "\(authority.directory)/node.pem=\(authority.directory)/node.key"
            let environment = ["PERSEID_TLS_LISTEN": "127.0.0.1:\(port)", "PERSEID_TLS_CERTIFICATES": pair]
            let node = try await PerseidNode(id: "a", redis: nil, environment: environment, in: scratch)
            let visit = try await DoctorVisit(
                ["--url", "https://127.0.0.1:\(port)", "--ca", "\(authority.directory)/ca.pem", "--seconds", "0"],
                environment: environment,
                in: scratch
            )
            #expect(!visit.isWell && visit.names(words, cure: cure), "\(visit.text)")
            // This one has a day left.
            if words != "expired" {
                #expect(visit.names("the certificate expires in", cure: "SIGHUP", isTrouble: false), "\(visit.text)")
            }
            #expect(
                words.contains("expired") == visit.names("the certificate has expired", cure: "SIGHUP"),
                "\(visit.text)"
            )
            try await node.stop()
        }
    }

    /// The node shows Redis the same certificate, which it reads from a file.
    @Test("certificates of Redis: expired, soon at its end, or good for long", arguments: ["0", "2", "90"])
    func redisCertificates(_ days: String) async throws {
        let scratch = try Scratch()
        let trust = try RedisTrust(days: days)
        let redis = try await RedisServer(keepsData: true, options: BrokenRedis.well, trust: trust, in: scratch)
        let url = "rediss://127.0.0.1:\(redis.securePort ?? 0)"
        let visit = try await DoctorVisit(["--redis", url], environment: trust.environment, in: scratch)
        #expect(
            visit.names("the certificate of redis has expired", cure: "CONFIG SET tls-cert-file") == (days == "0"),
            "\(visit.text)"
        )
        #expect(
            visit.names("its certificate expires in", cure: "CONFIG SET tls-cert-file", isTrouble: false)
                == (days == "2"),
            "\(visit.text)"
        )
        #expect(
            visit.names("redis.pem: the certificate has expired", cure: "restart the node") == (days == "0"),
            "\(visit.text)"
        )
        #expect(visit.text.contains("redis.pem") == (days != "90"), "\(visit.text)")
    }

    @Test("settings with secrets and keys that everybody may read, and settings that let everybody in")
    func files() async throws {
        let scratch = try Scratch()
        let file = scratch.file("perseid.yaml")
        try "api-keys: [a-key-for-tests]\nlisten: 0.0.0.0:8080\n".write(to: file, atomically: true, encoding: .utf8)
        for (rights, isNamed) in [(0o644, true), (0o640, false)] {
            try FileManager.default.setAttributes([.posixPermissions: rights], ofItemAtPath: file.path)
            let visit = try await DoctorVisit(["--config", file.path], in: scratch)
            #expect(
                visit.names("may read its secrets", cure: "chmod 640", isTrouble: false) == isNamed,
                "\(visit.text)"
            )
            #expect(visit.names("are answered 421", cure: "address that clients know", isTrouble: false))
        }
        let open = try await DoctorVisit(["--insecure", "--listen", "0.0.0.0:8080"], in: scratch)
        #expect(!open.isWell && open.names("whoever reaches the port", cure: "write rules"), "\(open.text)")
    }

    /// In a network and among processes of its own: this machine's other nodes are not looked at, and it keeps its settings.
    @Test("few descriptors, and few connections that may wait", .enabled(if: geteuid() == 0, "only root may set them"))
    func machine() async throws {
        let scratch = try Scratch()
        let visit = try await DoctorVisit(
            [],
            before: [
                "unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child", "prlimit", "--nofile=1024:1024",
                "sh", "-c", "echo 128 > /proc/sys/net/core/somaxconn && exec \"$@\"", "sh",
            ],
            in: scratch
        )
        #expect(!visit.isWell && visit.names("may have 1024", cure: "LimitNOFILE"), "\(visit.text)")
        #expect(visit.names("128 connections wait", cure: "deploy/sysctl.conf", isTrouble: false), "\(visit.text)")
    }
}
