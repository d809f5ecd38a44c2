SELECT system_identifier AS system FROM pg_control_system()
