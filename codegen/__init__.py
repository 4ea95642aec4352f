"""From openapi.json to ac_sms_async/lowlevel."""
