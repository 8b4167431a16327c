OTHERS += $(B)/front
$(B)/front: front/front.c | $(B)/
	$(STATIC) -o $@ $<
