package ui

const realEnv = "S2C_UI_TEST_REAL"

func realMain() int { return 0 }
