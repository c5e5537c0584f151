/// All settings of a node. Whoever reads, checks, prints, guesses or documents one looks here.
enum SettingTable {
    /// In the order of deploy/reference/settings.md.
    static let all = node + trust + security + web + readers + logs + limits

    /// A setting by its name.
    static subscript(name: String) -> Setting? { byName[name] }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// Whether other settings are named below this name, as those of `limits` are.
    static func isGroup(_ name: String) -> Bool { all.contains { $0.name.hasPrefix("\(name).") } }

    // MARK: Unknown names

    /// What to say of a name in the file that is no setting.
    static func unknown(_ name: String) -> String { complaint(NearestName.find(name, among: all.map(\.name))) }

    /// What to say of a variable that is no setting: `PERSEID_LIMTS_POLL_BYTES_MAX` is looked for as `limts-poll-bytes-max`.
    static func unknownVariable(_ variable: String) -> String {
        let name = variable.dropFirst(SettingsEnvironment.prefix.count).lowercased().replacing("_", with: "-")
        return complaint(NearestName.find(name, among: all.map(\.name)).flatMap { Self[$0]?.environmentName })
    }

    private static func complaint(_ nearest: String?) -> String {
        "is not a setting" + (nearest.map { "; did you mean \($0)?" } ?? "; perseid check lists all there are")
    }
}
