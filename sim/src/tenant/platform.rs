//! What a device of each operating system usually looks like.

/// The usual look of one operating system.
pub(crate) struct Platform {
    /// `operatingSystem` as Intune prints it.
    pub(crate) os: &'static str,
    pub(crate) versions: &'static [&'static str],
    pub(crate) manufacturer: &'static str,
    pub(crate) models: &'static [&'static str],
    /// Beta's `deviceType`.
    pub(crate) device_type: &'static str,
    /// How made-up device names begin.
    pub(crate) prefix: &'static str,
    /// Share of the made-up devices, in percent.
    pub(crate) share: i64,
    /// Whether Intune's sync action is offered for it.
    pub(crate) syncs: bool,
    pub(crate) enrollment: &'static str,
}

const WINDOWS: Platform = Platform {
    os: "Windows",
    versions: &["10.0.26100.4652", "10.0.22631.5624", "10.0.19045.6093"],
    manufacturer: "Contoso Hardware",
    models: &["Latitude 5450", "ThinkPad T14 Gen 5", "Surface Laptop 6"],
    device_type: "desktop",
    prefix: "PC",
    share: 46,
    syncs: true,
    enrollment: "windowsAzureADJoin",
};

/// Every operating system the simulator knows.
pub(crate) const PLATFORMS: &[Platform] = &[
    WINDOWS,
    Platform {
        os: "iOS",
        versions: &["18.6.2", "18.5", "17.7.10"],
        manufacturer: "Apple",
        models: &["iPhone 15", "iPhone SE", "iPhone 14"],
        device_type: "iPhone",
        prefix: "IPHONE",
        share: 18,
        syncs: true,
        enrollment: "appleBulkWithUser",
    },
    Platform {
        os: "iPadOS",
        versions: &["18.6.2", "17.7.10"],
        manufacturer: "Apple",
        models: &["iPad (10th generation)", "iPad Air"],
        device_type: "iPad",
        prefix: "IPAD-G",
        share: 12,
        syncs: true,
        enrollment: "appleBulkWithUser",
    },
    Platform {
        os: "macOS",
        versions: &["15.6.1 (24G90)", "14.7.8 (23H730)"],
        manufacturer: "Apple",
        models: &["MacBook Air", "MacBook Pro"],
        device_type: "macMDM",
        prefix: "MAC",
        share: 10,
        syncs: true,
        enrollment: "appleBulkWithUser",
    },
    Platform {
        os: "Android",
        versions: &["15.0", "14.0", "13.0"],
        manufacturer: "Google",
        models: &["Pixel 8", "Pixel 7a"],
        device_type: "android",
        prefix: "PIX",
        share: 6,
        syncs: true,
        enrollment: "userEnrollment",
    },
    Platform {
        os: "AndroidEnterprise",
        versions: &["15.0", "14.0"],
        manufacturer: "Samsung",
        models: &["Galaxy A54", "Galaxy Tab Active5"],
        device_type: "androidEnterprise",
        prefix: "AE",
        share: 5,
        syncs: true,
        enrollment: "unknown",
    },
    Platform {
        os: "Linux",
        versions: &["24.04", "22.04"],
        manufacturer: "Contoso Hardware",
        models: &["Build server"],
        device_type: "linux",
        prefix: "LNX",
        share: 2,
        syncs: false,
        enrollment: "unknown",
    },
    Platform {
        os: "ChromeOS",
        versions: &["139.0.7258.138"],
        manufacturer: "Google",
        models: &["Chromebook Plus"],
        device_type: "chromeOS",
        prefix: "CHROME",
        share: 1,
        syncs: false,
        enrollment: "unknown",
    },
];

/// The platform that prints this `operatingSystem`; one the simulator does not know looks like a server.
pub(crate) fn of(os: &str) -> &'static Platform {
    PLATFORMS.iter().find(|p| p.os.eq_ignore_ascii_case(os)).unwrap_or(&PLATFORMS[6])
}
