import Foundation
import Yams

/// Reads the YAML file of a node's settings, with the place of every value.
///
/// Yams itself and not swift-configuration's provider on top of it, which knows no places, takes what it cannot convert for
/// absent, and refuses lists of maps.
struct SettingsFile {
    private let path: String

    /// Names and values that a file may say, with those that its aliases stand for: an alias of a list of aliases grows by their
    /// number each time, and ten lines would be thousands of millions. A key of a backend is five of them.
    static let valuesMax = 65_536

    /// Mistakes that are told at once.
    private static let errorsMax = 64

    /// Names and values that are left.
    private final class Room {
        var left = valuesMax
    }

    private let room = Room()

    /// Reads a file; returns its settings by name, in its order.
    ///
    /// - Throws: `SettingsErrors` for a file that cannot be read or is no YAML, or all the names in it that are unknown.
    static func read(_ path: String) throws(SettingsErrors) -> [SettingValue] {
        let file = SettingsFile(path: path)
        var values: [SettingValue] = []
        var errors: [SettingsError] = []
        if let root = try file.root() { file.walk(root, under: "", at: nil, into: &values, &errors) }
        if file.room.left < 0 {
            throw file.unreadable("says more than \(valuesMax) values: are there aliases of aliases?")
        }
        if !errors.isEmpty { throw SettingsErrors(all: errors) }
        return values
    }

    private func root() throws(SettingsErrors) -> Node? {
        do {
            let data = try Data(contentsOf: URL(filePath: path))
            guard let text = String(validating: data, as: UTF8.self) else { throw unreadable("is not UTF-8") }
            return try Parser(yaml: text, encoding: .utf8).singleRoot()
        } catch let error as YamlError {
            throw SettingsErrors(all: [complaint(error)])
        } catch let error as SettingsErrors {
            throw error
        } catch let error as CocoaError {
            let reason = error.underlying.map { ($0 as NSError).code }.map { String(cString: strerror(Int32($0))) }
            throw unreadable(reason ?? "cannot be read")
        } catch {
            throw unreadable("cannot be read: \(error)")
        }
    }

    private func unreadable(_ reason: String) -> SettingsErrors {
        SettingsErrors(all: [SettingsError(name: "config", source: .usual, reason: "\(path): \(reason)")])
    }

    /// Only where and what: what Yams says besides quotes the file, where keys may stand.
    private func complaint(_ error: YamlError) -> SettingsError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            SettingsError(name: "", source: source(mark), reason: problem)
        case .duplicatedKeysInMapping(let names, let context):
            SettingsError(
                name: names.sorted().joined(separator: ", "),
                source: source(context.mark),
                reason: "is given twice"
            )
        case .reader(let problem, _, _, _):
            SettingsError(name: "", source: .file(path: path, line: 1, column: 1), reason: problem)
        default:
            SettingsError(name: "", source: .file(path: path, line: 1, column: 1), reason: "cannot be read as YAML")
        }
    }

    private func source(_ mark: Mark?) -> SettingSource {
        .file(path: path, line: mark?.line ?? 1, column: mark?.column ?? 1)
    }

    // MARK: Names

    /// Looks at the entries of the file itself or of a group of settings, such as `limits`.
    private func walk(
        _ node: Node,
        under group: String,
        at place: Mark?,
        into values: inout [SettingValue],
        _ errors: inout [SettingsError]
    ) {
        guard case .mapping(let entries) = node else {
            // A group of which every line is commented out is no mistake, and neither is a file.
            if case .scalar(let scalar) = node, isNothing(scalar) { return }
            let source = source(place ?? node.mark)
            return errors.append(
                SettingsError(name: group, source: source, reason: "must be a map of names and values")
            )
        }
        for (key, value) in entries where errors.count < Self.errorsMax && takeRoom() {
            guard let word = key.scalar?.string else {
                errors.append(SettingsError(name: group, source: source(key.mark), reason: "a name must be text"))
                continue
            }
            let name = group.isEmpty ? word : "\(group).\(word)"
            if SettingTable.isGroup(name) {
                walk(value, under: name, at: key.mark, into: &values, &errors)
            } else if SettingTable[name] != nil {
                values.append(self.value(value, of: name, at: key.mark))
            } else {
                let reason = SettingTable.unknown(name)
                errors.append(SettingsError(name: name, source: source(key.mark), reason: reason))
            }
        }
    }

    // MARK: Values

    /// A value; what lies in a list has a place of its own, what lies in a map that of its name.
    private func value(_ node: Node, of name: String, at place: Mark?) -> SettingValue {
        let content: SettingValue.Content =
            switch node {
            case _ where !takeRoom(): .nothing
            case .scalar(let scalar) where isNothing(scalar): .nothing
            case .scalar(let scalar): .text(scalar.string, isQuoted: scalar.style != .plain)
            case .sequence(let items): .list(items.map { value($0, of: name, at: $0.mark) })
            case .mapping(let entries):
                .map(entries.map { key, item in value(item, of: key.scalar?.string ?? "", at: key.mark) })
            case .alias: .nothing
            }
        return SettingValue(name: name, source: source(place), content: content)
    }

    private func takeRoom() -> Bool {
        room.left -= 1
        return room.left >= 0
    }

    private func isNothing(_ scalar: Node.Scalar) -> Bool {
        scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }
}
