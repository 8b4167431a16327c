module example/pal

go 1.19
