package files

// OS is the file system of the operating system.
func OS() FS { return nil }
