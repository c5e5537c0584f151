import Foundation

/// What `Sources/Broker/Limits.swift` says happens when a limit is hit, by the limit's property.
struct LimitComments {
    private(set) var whenHit: [String: String] = [:]

    init() throws {
        var comment: [Substring] = []
        for line in try Repository.text(of: "Sources/Broker/Limits.swift").split(
            separator: "\n",
            omittingEmptySubsequences: false
        ) {
            let code = line.drop { $0 == " " }
            if code.hasPrefix("/// ") {
                comment.append(code.dropFirst(4))
            } else if let property = code.firstMatch(of: /public var (\w+)[:\s]/)?.1 {
                // Several properties in a row share the comment of the first.
                whenHit[String(property)] = Self.whenHit(comment.joined(separator: " "))
            } else {
                comment = []
            }
        }
    }

    private static func whenHit(_ comment: String) -> String {
        guard let hit = comment.firstRange(of: "Hit: ") else { return "" }
        return withSettingNames(String(comment[hit.upperBound...]))
    }

    /// Properties are called in settings as they are in the sources, with dashes: `redisMilliseconds` is `redis-milliseconds`.
    private static func withSettingNames(_ text: String) -> String {
        text.replacing(/`[a-z]+([A-Z][A-Za-z]*)`/) { settingName(of: String($0.output.0)) }
    }

    static func settingName(of property: String) -> String {
        property.replacing(/[A-Z]/) { "-\($0.output.lowercased())" }
    }
}
