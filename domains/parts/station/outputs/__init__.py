"""Where a station's status and results go: Modbus, OPC UA, MQTT, webhook, CSV."""
