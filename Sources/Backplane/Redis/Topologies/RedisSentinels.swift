internal import Text

/// Those who watch a master and its replicas, and say which of them is the master now. Any of them may be asked.
///
/// Source: https://redis.io/docs/latest/develop/reference/sentinel-clients/, and `sentinel.c` of Redis 7.0.
public struct RedisSentinels: Sendable, Equatable {
    /// What they call the master.
    public let masterName: String

    /// Those that were named; more may be learnt from these.
    let places: [RedisPlace]

    /// ACL user and password at the Sentinels themselves, which are not those of the master.
    let user: String?
    let password: String?

    private static let usualPort: UInt16 = 26_379

    /// Reads `hosts/master-name`, and of the query `sentinel-user` and `sentinel-password`.
    init?(_ url: RedisURL, masterName: Substring) {
        guard let name = RedisURL.decode(masterName), Self.isName(name) else { return nil }
        guard let places = Authority.places(url.hosts, usualPort: Self.usualPort) else { return nil }
        guard url.query.keys.allSatisfy({ $0 == "sentinel-user" || $0 == "sentinel-password" }) else { return nil }
        self.masterName = name
        self.places = places
        user = url.query["sentinel-user"]
        password = url.query["sentinel-password"]
    }

    /// As Sentinel itself has it: letters, digits, dots, dashes and underscores.
    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 255
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    /// The hosts as they were written, for all to see.
    public var placesText: String { places.map(\.description).joined(separator: ",") }
}
