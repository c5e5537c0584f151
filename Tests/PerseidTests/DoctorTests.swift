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
            "aof_last_write_status": "ok", "rdb_last_bgsave_status": "ok", "loading": "0",
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
            ([:], ["timeout": "300"], .warning, "clients"),
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
