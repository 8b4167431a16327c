RUNELET_COMMON := $(addprefix runelet/,main.c plan.c record.c failure.c channel.c operations.c \
	namespaces.c enter.c resolve.c mounts.c filesystem.c tmpfs.c copy.c remount.c \
	id_map.c no_pivot.c sysctl.c nodes.c hide.c process.c schedule.c label.c identity.c seccomp.c console.c \
	execute.c net_device.c \
	hook.c monitor.c notify.c relay.c clean.c agent_exec.c) \
	$(addprefix pal/,agent_client.c agent_frame.c signals.c exit_value.c)
RUNELET_HEADERS := $(wildcard runelet/*.h)
PROGRAMS += $(B)/lib/runelet
$(B)/lib/runelet: $(RUNELET_COMMON) runelet/no_pal.c $(RUNELET_HEADERS) | $(B)/lib/
	$(STATIC) -o $@ $(filter %.c,$^)

# init-runelet hosts a PAL: dynamic, because dlopen is; every symbol bound before it enters a container.
PROGRAMS += $(B)/lib/init-runelet
$(B)/lib/init-runelet: $(RUNELET_COMMON) pal/operations.c $(PAL_HOST) $(RUNELET_HEADERS) $(PAL_HEADERS) | $(B)/lib/
	$(CC) $(CFLAGS) -fPIE -pie $(PAL_LINK) -o $@ $(filter %.c,$^)

# Unit tests: each program is one test file and, from an archive, what it uses of runelet. Some
# include a source file, to reach its static functions: the archive's copy is then not linked.
RUNELET_HOSTED  := $(patsubst %.c,$(B)/hosted/%.o,$(filter-out runelet/main.c,$(RUNELET_COMMON)) \
                     runelet/no_pal.c runelet/tests/support.c)
RUNELET_TESTS   := record plan operations resolve copy execute hook relay clean monitor notify net_device label keyring process
RUNELET_TESTING := $(RUNELET_HEADERS) $(PAL_HEADERS) runelet/tests/support.h pal/tests/tap.h
TESTS += $(RUNELET_TESTS:%=$(B)/tests/runelet-%)
$(B)/hosted/%.o: %.c $(RUNELET_TESTING) $(RULES)
	@mkdir -p $(@D)
	$(HOSTED) -c -o $@ $<
$(B)/hosted/librunelet.a: $(RUNELET_HOSTED)
	rm -f $@ && ar rcs $@ $^
$(B)/tests/runelet-%: runelet/tests/%_test.c $(B)/hosted/librunelet.a $(RUNELET_COMMON) | $(B)/tests/
	$(HOSTED) -o $@ $< $(B)/hosted/librunelet.a
