// swift-tools-version: 6.2

import PackageDescription

// A package of its own, so that measuring Perseid never adds a dependency to Perseid.
//
//   swift-argument-parser   the command lines of `load`, `crowd` and `floor`.
//   hdrhistogram-swift      latencies: fixed memory, no lost outliers, merges exactly between worker processes.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "perseid-bench",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "floor", targets: ["Floor"]),
        .executable(name: "load", targets: ["Load"]),
        .executable(name: "crowd", targets: ["Crowd"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        .target(name: "CBench"),
        .target(name: "BenchWire", swiftSettings: settings),
        .executableTarget(
            name: "Floor",
            dependencies: [
                "CBench",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "Load",
            dependencies: [
                "BenchWire",
                "CBench",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "Crowd",
            dependencies: [
                "BenchWire",
                "CBench",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings
        ),
        .testTarget(name: "CrowdTests", dependencies: ["Crowd"], swiftSettings: settings),
        .testTarget(name: "FloorTests", dependencies: ["Floor"], swiftSettings: settings),
        .testTarget(name: "LoadTests", dependencies: ["BenchWire", "Load"], swiftSettings: settings),
    ]
)
