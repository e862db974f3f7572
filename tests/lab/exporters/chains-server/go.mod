module chains-server

go 1.21

// Servers of any strength are wanted here, also those that Go would refuse to run.
godebug rsa1024min=0
