/// Where a value of a setting comes from.
enum SettingSource: Sendable, Equatable {
    /// Nobody gave one.
    case usual
    /// A line of the file; both numbers count from 1.
    case file(path: String, line: Int, column: Int)
    /// A variable, by its whole name.
    case environment(String)
    /// An option of the command line, by its name without dashes.
    case flag(String)
}

extension SettingSource: CustomStringConvertible {
    /// As an editor or a shell names the place.
    var description: String {
        switch self {
        case .usual: "default"
        case .file(let path, let line, let column): "\(path):\(line):\(column)"
        case .environment(let name): name
        case .flag(let name): "--\(name)"
        }
    }
}
