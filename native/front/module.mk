FRONT_SOURCES := $(addprefix front/,front.c planner.c packet.c serve.c program.c) runelet/record.c
OTHERS += $(B)/front
$(B)/front: $(FRONT_SOURCES) front/planner.h runelet/record.h | $(B)/
	$(STATIC) -o $@ $(FRONT_SOURCES)

# Unit tests: what comes behind the front's own main.
TESTS += $(B)/tests/front-serve
$(B)/tests/front-serve: front/tests/serve_test.c $(filter-out front/front.c,$(FRONT_SOURCES)) front/planner.h runelet/record.h pal/tests/tap.h | $(B)/tests/
	$(HOSTED) -o $@ $(filter %.c,$^)
