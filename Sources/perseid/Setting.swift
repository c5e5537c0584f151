/// One setting: what it is called everywhere, its default, what it means, and where its value goes.
struct Setting: Sendable {
    /// As in the file and, with two dashes, on the command line. A dot stands for a level of the file.
    let name: String

    /// The default, as documented: what is drawn or counted at the start is described.
    let usual: String

    /// What it means, in a line.
    let meaning: String

    /// Whether its value may be shown to nobody.
    let isSecret: Bool

    /// Judges a value that was given and puts it where it belongs, in the place of an earlier one.
    let take: @Sendable (SettingValue, inout Settings) throws(SettingsError) -> Void

    /// The value in use, without secrets.
    let show: @Sendable (Settings) -> String

    init(
        _ name: String,
        usual: String,
        _ meaning: String,
        isSecret: Bool = false,
        take: @escaping @Sendable (SettingValue, inout Settings) throws(SettingsError) -> Void,
        show: @escaping @Sendable (Settings) -> String
    ) {
        self.name = name
        self.usual = usual
        self.meaning = meaning
        self.isSecret = isSecret
        self.take = take
        self.show = show
    }

    /// The variable that sets it.
    var environmentName: String { SettingsEnvironment.name(of: name) }
}
