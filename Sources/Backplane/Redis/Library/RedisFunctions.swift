/// The function library as it is loaded into Redis.
public enum RedisFunctions {
    /// The library's version; a node replaces an older one and leaves a newer one alone. Stands in `perseid.lua` too,
    /// and a test holds the two together.
    public static let version = 15

    /// Its source, embedded at build time.
    public static var source: [UInt8] { PackageResources.perseid_lua }
}
