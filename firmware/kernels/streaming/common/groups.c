/* Groups of cascaded units. */
#include "sixfold/streaming_model.h"
#include "unit.h"

void sixfold_streaming_begin(const sixfold_streaming_model *model, int32_t group)
{
    const sixfold_group *cascade = &model->groups[group];
    for (int32_t unit = 0; unit < cascade->units; ++unit) {
        sixfold_unit_begin(&model->units[cascade->first + unit], &model->states[unit], model->arena);
    }
}

static sixfold_status look(const sixfold_streaming_model *model)
{
    return model->after_step == NULL ? SIXFOLD_OK : model->after_step();
}

/* One step of a unit, and what it makes through all units after it. */
static sixfold_status cascade_row(const sixfold_streaming_model *model, const sixfold_group *group, int32_t unit,
                                  const int8_t *row)
{
    sixfold_status status = SIXFOLD_OK;
    do {
        row = sixfold_unit_step(&model->units[group->first + unit], &model->states[unit], model->arena, row);
        status = look(model);
        ++unit;
    } while (row != NULL && unit < group->units && status == SIXFOLD_OK);
    return status;
}

/* The output rows whose windows reach below the image. */
static sixfold_status finish(const sixfold_streaming_model *model, const sixfold_group *group)
{
    for (int32_t unit = 0; unit < group->units; ++unit) {
        while (model->states[unit].made < model->units[group->first + unit].output.height) {
            const sixfold_status status = cascade_row(model, group, unit, NULL);
            if (status != SIXFOLD_OK) {
                return status;
            }
        }
    }
    return SIXFOLD_OK;
}

sixfold_status sixfold_streaming_push(const sixfold_streaming_model *model, int32_t group, const int8_t *row)
{
    const sixfold_group *cascade = &model->groups[group];
    const sixfold_status status = cascade_row(model, cascade, 0, row);
    if (status != SIXFOLD_OK || model->states[0].arrived < model->units[cascade->first].input.height) {
        return status;
    }
    return finish(model, cascade);
}

sixfold_status sixfold_streaming_run(const sixfold_streaming_model *model, int32_t group)
{
    const sixfold_group *cascade = &model->groups[group];
    const sixfold_shape *input = &model->units[cascade->first].input;
    const int8_t *row = model->arena + cascade->input_at;
    for (int32_t y = 0; y < input->height; ++y) {
        const sixfold_status status = sixfold_streaming_push(model, group, row);
        if (status != SIXFOLD_OK) {
            return status;
        }
        row += input->width * input->channels;
    }
    return SIXFOLD_OK;
}
