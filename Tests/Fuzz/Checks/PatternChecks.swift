@testable import Broker

/// Names and patterns, one in a line: which of them stand for which, by each of the ways in which that is found out.
enum PatternChecks {
    private static let linesMax = 8

    static func check(_ bytes: [UInt8]) throws {
        let lines = bytes.split(separator: UInt8(ascii: "\n")).prefix(linesMax).map {
            String(decoding: $0, as: UTF8.self)
        }
        let names = lines.compactMap { ChannelName($0) }
        let set = PatternSet(names)
        let rules = lines.compactMap { AccessPattern($0) }
        for name in names {
            try checkStanding(name, names, set)
            try checkRules(name, rules, names)
            for pattern in lines.compactMap({ ChannelPattern($0) }) where pattern.text == "**" {
                try require(pattern.matches(name), "** does not stand for \(name)")
            }
        }
    }

    private static func checkStanding(_ name: ChannelName, _ names: [ChannelName], _ set: PatternSet) throws {
        let patterns = Set(name.patterns)
        let standing = set.standing(for: name)
        for other in names {
            let stands = other.stands(for: name)
            try requireSame(patterns.contains(other), stands, "whether \(other) is a pattern of \(name)")
            try requireSame(standing.contains(other), stands, "whether \(other) is found for \(name)")
            try requireSame(other.overlaps(name), name.overlaps(other), "whether \(other) and \(name) overlap")
            if stands { try require(other.overlaps(name), "\(other) does not overlap \(name)") }
        }
    }

    /// Who may read a pattern may read each channel that it stands for, or the pattern would be a way around the rules.
    private static func checkRules(
        _ name: ChannelName,
        _ rules: [AccessPattern],
        _ names: [ChannelName]
    ) throws {
        for rule in rules {
            let relation = rule.relation(to: name)
            for other in names where name.stands(for: other) {
                switch relation {
                case .all: try requireSame(rule.relation(to: other), .all, "\(rule.text) for \(name) and \(other)")
                case .none: try requireSame(rule.relation(to: other), .none, "\(rule.text) for \(name) and \(other)")
                case .some: break
                }
            }
        }
    }
}
