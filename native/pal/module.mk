# The PAL host (linked into init-runelet by runelet/module.mk), its testing PALs, its tests.

PAL_HEADERS := $(wildcard pal/*.h) $(wildcard runelet/failure.h runelet/record.h) \
               include/enclave_runtime_pal.h
PAL_SHARED  := runelet/failure.c runelet/record.c
# What init-runelet needs: dynamic glibc, every symbol bound before the container's life begins.
PAL_HOST    := $(addprefix pal/,pal.c load.c life.c calls.c payload.c supervise.c signals.c \
                 exit_value.c agent.c agent_connection.c agent_exec.c agent_fork.c agent_frame.c)
# What a monitor needs to speak with it; may be linked statically.
PAL_CLIENT  := $(addprefix pal/,agent_client.c agent_frame.c signals.c)
PAL_LINK    := -pthread -Wl,-z,relro,-z,now,-z,noexecstack

# Testing PALs and the harness: not installed.
T := $(B)/testing
PAL_TESTING_SOURCES := $(addprefix pal/testing/,testing_pal.c options.c payload.c probe.c)
PAL_TESTING_HEADERS := $(wildcard pal/testing/*.h) include/enclave_runtime_pal.h
PAL_TESTING_SO      := $(CC) $(CFLAGS) -shared -fPIC -fvisibility=hidden -pthread \
                         -Wl,-z,defs,-z,relro,-z,now,-z,noexecstack

# A variant is a version and one thing that is different: `FLAGS_` of its name.
PAL_VARIANTS := v1 v2 v3
FLAGS_v1-no-pal_init       := -Dpal_init=pal_left_out
FLAGS_v1-no-pal_exec       := -Dpal_exec=pal_left_out
FLAGS_v1-no-pal_destroy    := -Dpal_destroy=pal_left_out
FLAGS_v2-no-pal_create_process := -Dpal_create_process=pal_left_out
FLAGS_v2-no-pal_kill       := -Dpal_kill=pal_left_out
FLAGS_v3-no-pal_get_local_report := -Dpal_get_local_report=pal_left_out
FLAGS_v3-no-pal_get_report_with_data := -Dpal_get_report_with_data=pal_left_out
FLAGS_v2-occlum            := -DTESTING_OCCLUM
FLAGS_v2-constructor-thread := -DTESTING_CONSTRUCTOR_THREAD
FLAGS_v2-constructor-child := -DTESTING_CONSTRUCTOR_CHILD
PAL_VARIANTS += $(patsubst FLAGS_%,%,$(filter FLAGS_v%,$(.VARIABLES)))

PAL_TESTING := $(PAL_VARIANTS:%=$(T)/libpal-testing-%.so) $(T)/pal-harness
OTHERS += $(PAL_TESTING)

$(T)/libpal-testing-v1%so: $(PAL_TESTING_SOURCES) $(PAL_TESTING_HEADERS) | $(T)/
	$(PAL_TESTING_SO) -DTESTING_VERSION=1 $(FLAGS_$(patsubst libpal-testing-%.so,%,$(@F))) \
	  -o $@ $(PAL_TESTING_SOURCES)
$(T)/libpal-testing-v2%so: $(PAL_TESTING_SOURCES) pal/testing/process.c $(PAL_TESTING_HEADERS) | $(T)/
	$(PAL_TESTING_SO) -DTESTING_VERSION=2 $(FLAGS_$(patsubst libpal-testing-%.so,%,$(@F))) \
	  -o $@ $(PAL_TESTING_SOURCES) pal/testing/process.c
$(T)/libpal-testing-v3%so: $(PAL_TESTING_SOURCES) pal/testing/process.c $(PAL_TESTING_HEADERS) | $(T)/
	$(PAL_TESTING_SO) -DTESTING_VERSION=3 $(FLAGS_$(patsubst libpal-testing-%.so,%,$(@F))) \
	  -o $@ $(PAL_TESTING_SOURCES) pal/testing/process.c

PAL_HARNESS := pal/testing/harness.c $(PAL_HOST) pal/agent_client.c $(PAL_SHARED)
$(T)/pal-harness: $(PAL_HARNESS) $(PAL_HEADERS) | $(T)/
	$(CC) $(CFLAGS) $(PAL_LINK) -o $@ $(PAL_HARNESS)

# Unit tests.
PAL_TEST_HEADERS := $(PAL_HEADERS) $(wildcard pal/tests/*.h)
PAL_FAKE         := pal/tests/fake_pal.c $(PAL_HOST) pal/agent_client.c $(PAL_SHARED)
PAL_HOSTED       := $(HOSTED) -pthread
PAL_TESTS := $(addprefix $(B)/tests/pal-,exit-value agent-frame agent-server agent-client)
TESTS += $(PAL_TESTS)
$(B)/tests/pal-exit-value: pal/tests/exit_value_test.c pal/exit_value.c pal/signals.c
$(B)/tests/pal-agent-frame: pal/tests/agent_frame_test.c $(PAL_FAKE)
$(B)/tests/pal-agent-server: pal/tests/agent_server_test.c $(PAL_FAKE)
$(B)/tests/pal-agent-client: pal/tests/agent_client_test.c $(PAL_FAKE)
$(PAL_TESTS): $(PAL_TEST_HEADERS) | $(B)/tests/
	$(PAL_HOSTED) -o $@ $(filter %.c,$^)
