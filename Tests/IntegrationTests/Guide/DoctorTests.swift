import Foundation
import Testing

/// `perseid doctor` in front of real deployments: those that are well, and those in which something is broken.
@Suite struct DoctorTests {
    /// What it says, and how it ends.
    private func ask(_ arguments: [String], environment: [String: String] = [:], in scratch: Scratch) async throws
        -> (text: String, isWell: Bool)
    {
        let process = try ChildProcess(
            [PerseidNode.executable, "doctor"] + arguments,
            environment: environment,
            in: scratch
        )
        let ending = try await process.end(within: .seconds(120))
        let text = process.outputText + process.errorText
        try #require(ending == .exited(0) || ending == .exited(1), "\(ending) \(text)")
        return (text, ending == .exited(0))
    }

    @Test("a deployment that is well, through the way to it")
    func well() async throws {
        let options = ["--maxmemory", "1gb", "--client-output-buffer-limit", "pubsub 256mb 128mb 60"]
        try await Cluster.with(nodes: 1, keepsData: true, redisOptions: options) { cluster in
            let said = try await ask(
                ["--redis", cluster.redis.url, "--url", "http://127.0.0.1:\(cluster.nodes[0].port)", "--seconds", "1"],
                in: cluster.scratch
            )
            #expect(!said.text.contains("TROUBLE redis") && !said.text.contains("TROUBLE way"), "\(said.text)")
            for transport in ["webSocket", "eventStream", "longPoll"] {
                #expect(said.text.contains("way \(transport): open after"), "\(said.text)")
                #expect(said.text.contains("way \(transport): a message came"), "\(said.text)")
            }
            #expect(said.text.contains("rights: a node can do here what it must"), "\(said.text)")
        }
    }

    @Test("a Redis that evicts, with few clients and no file, beside a node of the same name")
    func redis() async throws {
        let options = ["--maxmemory", "1gb", "--maxmemory-policy", "allkeys-lru", "--maxclients", "100"]
        try await Cluster.with(nodes: 1, redisOptions: options) { cluster in
            let said = try await ask(["--redis", cluster.redis.url, "--node-id", "a"], in: cluster.scratch)
            #expect(!said.isWell)
            for words in [
                "it evicts keys (allkeys-lru)", "maxclients is 100", "no append-only file", "a node of this name lives",
            ] {
                #expect(said.text.contains(words), "\(words): \(said.text)")
            }
        }
    }

    @Test("a Redis that refuses: the password, the rights, writes, or to be there at all")
    func refusals() async throws {
        let scratch = try Scratch()
        let guarded = try await RedisServer(
            options: [
                "--requirepass", "secret", "--user", "few", "on", ">word", "~perseid:*", "&perseid:*", "-@all", "+ping",
            ],
            in: scratch
        )
        let master = try await RedisServer(in: scratch)
        let replica = try await RedisServer(options: ["--replicaof", "127.0.0.1", "\(master.port)"], in: scratch)
        for (url, words) in [
            ("redis://:wrong@127.0.0.1:\(guarded.port)", "redis refuses the user or password"),
            ("redis://few:word@127.0.0.1:\(guarded.port)", "redis does not permit what a node does"),
            ("redis://127.0.0.1:\(replica.port)", "replica"),
            ("redis://127.0.0.1:\(Port.free())", "redis is not reached"),
        ] {
            let said = try await ask(["--redis", url], in: scratch)
            #expect(!said.isWell && said.text.contains(words) && said.text.contains("→"), "\(words): \(said.text)")
        }
    }

    @Test("nothing listens where clients are to come")
    func nobody() async throws {
        let scratch = try Scratch()
        let said = try await ask(["--url", "http://127.0.0.1:\(Port.free())", "--seconds", "0"], in: scratch)
        #expect(!said.isWell && said.text.contains("see that something listens there"), "\(said.text)")
    }

    /// What each balancer does wrong, as nginx is told to.
    @Test(
        "a balancer that buffers, cuts after a silence, or passes no WebSocket on",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/sbin/nginx"), "nginx is needed"),
        arguments: [
            (
                "proxy_ignore_headers X-Accel-Buffering; proxy_buffers 16 64k; proxy_read_timeout 75s;",
                "way eventStream"
            ),
            ("proxy_set_header Upgrade ''; proxy_buffering off; proxy_read_timeout 75s;", "way webSocket"),
            ("proxy_buffering off; proxy_read_timeout 3s;", "the connection was lost"),
        ]
    )
    func balancers(_ directives: String, _ words: String) async throws {
        let scratch = try Scratch()
        let node = try await PerseidNode(id: "a", redis: nil, in: scratch)
        let port = Port.free()
        let upgrade = directives.contains("Upgrade") ? "" : "proxy_set_header Upgrade $http_upgrade;"
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
                    proxy_pass http://127.0.0.1:\(node.port); proxy_http_version 1.1; \(upgrade)
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
        let said = try await ask(["--url", "http://127.0.0.1:\(port)", "--seconds", "6"], in: scratch)
        #expect(!said.isWell && said.text.contains("TROUBLE") && said.text.contains(words), "\(said.text)")
        nginx.signal(SIGTERM)
        try await nginx.end()
        try await node.stop()
    }
}
