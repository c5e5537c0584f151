import Backplane
import Broker
import Testing

@testable import perseid

/// What `perseid doctor` makes of what it is told. Whether it is told so by real ones is tried in IntegrationTests.
@Suite struct DoctorTests {
    /// A Redis in which nothing is wrong.
    private static func well() -> RedisFacts {
        var facts = RedisFacts(place: "r:6379")
        facts.info = [
            "role": "master", "maxmemory_policy": "noeviction", "maxmemory": "4000000000", "used_memory": "1000000",
            "evicted_keys": "0", "maxclients": "10000", "connected_clients": "10", "aof_enabled": "1",
            "aof_last_write_status": "ok", "rdb_last_bgsave_status": "ok", "aof_last_bgrewrite_status": "ok",
            "loading": "0", "rejected_connections": "0", "total_system_memory": "8000000000",
        ]
        facts.settings = [
            "appendfsync": "everysec", "timeout": "0",
            "client-output-buffer-limit": "normal 0 0 0 slave 268435456 67108864 60 pubsub 268435456 134217728 60",
        ]
        return facts
    }

    @Test("a Redis that is well is told so")
    func wellRedis() {
        let findings = RedisDiagnosis(Self.well()).findings
        #expect(!findings.isEmpty && findings.allSatisfy { $0.weight == .fine })
    }

    @Test("a certificate of Redis that is soon at its end", arguments: [(13, true), (15, false)])
    func certificate(_ days: Int, _ isNamed: Bool) {
        var facts = Self.well()
        facts.certificateMilliseconds = days * 86_400_000 + 1
        let findings = RedisDiagnosis(facts).findings.filter { $0.weight != .fine }
        #expect(findings.map(\.subject) == (isNamed ? ["redis r:6379 certificate"] : []))
        #expect(findings.allSatisfy { $0.text.contains("expires in 13 days") && $0.cure.contains("tls-cert-file") })
    }

    @Test("a node that is on disk, a Redis here that may not fork, and too few ports for a balancer")
    func swapAndPorts() {
        var limits = Limits()
        limits.overloadMemoryBytes = 1_000
        let facts = SystemFacts(memoryBytes: 2_000, swappedBytes: 64 << 20, overcommit: 0, localPortCount: 1_000)
        let subjects = SystemDiagnosis(facts, limits, hasRedis: true).findings.map(\.subject)
        #expect(subjects == ["net.ipv4.ip_local_port_range", "swap", "vm.overcommit_memory"])
        #expect(!SystemDiagnosis(facts, limits).findings.map(\.subject).contains("vm.overcommit_memory"))
        let well = SystemFacts(memoryBytes: 2_000, swappedBytes: 4_096, overcommit: 1, localPortCount: 28_232)
        #expect(SystemDiagnosis(well, limits, hasRedis: true).findings.isEmpty)
    }

    @Test(
        "which Redis is this machine's",
        arguments: [
            ("redis://127.0.0.1:1", true), ("redis://localhost", true), ("unix:///run/redis.sock", true),
            ("redis://10.0.0.1", false), ("redis+sentinel://127.0.0.1:1/main", false),
        ]
    )
    func place(_ url: String, _ isHere: Bool) throws {
        #expect(RedisDeployment.masters([try #require(RedisMaster(url))]).isOnThisMachine == isHere)
    }

    @Test(
        "each thing that is wrong with a Redis is named, with its cure, and nothing else",
        arguments: [
            (["role": "slave"], [:], Finding.Weight.trouble, "role"),
            (["redis_version": "6.2.14"], [:], .trouble, "version"),
            (["loading": "1"], [:], .warning, "role"),
            (["min_slaves_good_slaves": "0"], [:], .trouble, "replicas"),
            (["maxmemory_policy": "allkeys-lru"], [:], .trouble, "memory"),
            (["evicted_keys": "7"], [:], .warning, "memory"),
            (["maxmemory": "0"], [:], .warning, "memory"),
            (["used_memory": "3900000000"], [:], .trouble, "memory"),
            (["maxclients": "100"], [:], .trouble, "clients"),
            (["connected_clients": "9000"], [:], .trouble, "clients"),
            ([:], ["client-output-buffer-limit": "pubsub 33554432 8388608 60"], .warning, "buffers"),
            ([:], ["client-output-buffer-limit": "pubsub 268435456 8388608 60"], .warning, "buffers"),
            ([:], ["timeout": "300"], .warning, "clients"),
            (["rejected_connections": "3"], [:], .warning, "clients"),
            (["total_system_memory": "2000000000"], [:], .trouble, "memory"),
            (["aof_last_bgrewrite_status": "err"], [:], .trouble, "disk"),
            (["aof_last_write_status": "err"], [:], .trouble, "disk"),
            (["rdb_last_bgsave_status": "err"], [:], .trouble, "disk"),
            (["aof_enabled": "0"], [:], .warning, "disk"),
            ([:], ["appendfsync": "no"], .warning, "disk"),
        ] as [([String: String], [String: String], Finding.Weight, String)]
    )
    func broken(_ info: [String: String], _ settings: [String: String], _ weight: Finding.Weight, _ subject: String) {
        var facts = Self.well()
        facts.info.merge(info) { $1 }
        facts.settings.merge(settings) { $1 }
        let findings = RedisDiagnosis(facts).findings.filter { $0.weight != .fine }
        #expect(findings.count == 1, "\(findings)")
        #expect(findings.first?.weight == weight && findings.first?.subject == "redis r:6379 \(subject)")
        #expect(findings.first?.cure.isEmpty == false)
    }

    @Test("a clock that is off, a way that is long, a name that is taken, and a user who may not ask")
    func others() {
        var facts = Self.well()
        facts.clockOffsetMilliseconds = -3_000
        #expect(RedisDiagnosis(facts).findings.contains { $0.weight == .trouble && $0.text.contains("-3000 ms") })
        facts = Self.well()
        facts.roundTripMilliseconds = 80
        #expect(RedisDiagnosis(facts).findings.contains { $0.weight == .warning && $0.text.contains("80 ms") })
        facts = Self.well()
        facts.missingRights = ["+hset", "~perseid:*"]
        #expect(
            RedisDiagnosis(facts).findings.contains { $0.weight == .trouble && $0.cure.hasSuffix("+hset ~perseid:*") }
        )
        facts = Self.well()
        facts.nodeOfThatName = "{}"
        #expect(RedisDiagnosis(facts).findings.contains { $0.weight == .warning && $0.subject.hasSuffix("node-id") })
        let unknown = RedisDiagnosis(RedisFacts(place: "r")).findings
        #expect(unknown.count == 1 && unknown[0].weight == .warning && unknown[0].subject.hasSuffix("INFO"))
    }

    @Test(
        "what is said that makes no sense is no trap",
        arguments: ["", "x", "-1", "99999999999999999999", "9223372036854775807"]
    )
    func nonsense(value: String) {
        var facts = Self.well()
        for name in facts.info.keys { facts.info[name] = value }
        for name in ["pubsub", "pubsub \(value)", value] {
            facts.settings["client-output-buffer-limit"] = name
            _ = RedisDiagnosis(facts).findings
        }
        facts.clockOffsetMilliseconds = Int.min
        _ = RedisDiagnosis(facts).findings
    }

    @Test("what a machine lacks is named")
    func machine() {
        var facts = SystemFacts(descriptorsMax: 1_048_576, backlogMax: 65_535, memoryBytes: 8 << 30)
        var limits = Limits()
        limits.overloadMemoryBytes = 6 << 30
        #expect(SystemDiagnosis(facts, limits).findings.allSatisfy { $0.weight == .fine })
        limits.overloadMemoryBytes = 9 << 30
        facts.descriptorsMax = 1_024
        facts.backlogMax = 128
        facts.trackedConnectionsMax = 8_192
        let findings = SystemDiagnosis(facts, limits).findings
        #expect(findings.map(\.weight) == [.trouble, .warning, .warning, .trouble])
        #expect(findings.allSatisfy { !$0.cure.isEmpty })
        limits.overloadMemoryBytes = 0
        #expect(SystemDiagnosis(SystemFacts(memoryBytes: 1), limits).findings.map(\.weight) == [.warning])
        #expect(SystemDiagnosis(SystemFacts(), limits).findings.isEmpty)
    }

    @Test("settings that are right and bite")
    func bites() throws {
        func subjects(_ environment: [String: String]) throws -> [String] {
            SettingsDiagnosis(try settings(environment: environment)).findings.map(\.subject)
        }
        #expect(try subjects([:]) == ["redis"])
        #expect(try subjects(["PERSEID_REDIS": "redis://h"]) == [])
        let beyond = ["PERSEID_REDIS": "redis://h", "PERSEID_LISTEN": "0.0.0.0:1"]
        #expect(try subjects(beyond.merging(["PERSEID_INSECURE": "true"]) { $1 }) == ["insecure", "public-origin"])
        let stars = ["PERSEID_API_KEYS": "k", "PERSEID_ALLOWED_ORIGINS": "*", "PERSEID_ALLOWED_HOSTS": "*"]
        #expect(try subjects(beyond.merging(stars) { $1 }) == ["allowed-origins", "allowed-hosts"])
    }
}
