// swift-tools-version: 6.2

import PackageDescription

// A package of its own: all of it, Perseid's modules too, is built with the compiler's fuzzer, so that it sees which bytes
// lead to which code. What is checked is in Checks, which the root package compiles again as a test of the corpus.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "perseid-fuzz",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "perseid", path: "../..")
    ],
    targets: [
        .systemLibrary(name: "CLibFuzzer", path: "CLibFuzzer"),
        .target(
            name: "FuzzChecks",
            dependencies: [.product(name: "Decoders", package: "perseid")],
            path: "Checks",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "fuzz",
            dependencies: ["CLibFuzzer", "FuzzChecks"],
            path: "Driver",
            swiftSettings: settings,
            // Gold, the toolchain's first choice here, ends in an internal error.
            linkerSettings: [.unsafeFlags(["-use-ld=lld"], .when(platforms: [.linux]))]
        ),
    ],
    cxxLanguageStandard: .cxx17
)
